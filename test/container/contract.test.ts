import { TARGETS } from "../../scripts/release/tags.ts";
import { CONTRACT_VARIABLES } from "../contract/api.ts";
import { httpContract } from "../http.contract.ts";
import { API_KEY, startContainer } from "./container.ts";

for (const target of TARGETS) {
  httpContract(`${target} on SQLite`, async () => {
    const container = await startContainer(target, [
      "--user=12345:0",
      ...Object.entries(CONTRACT_VARIABLES).map(([name, value]) => `--env=${name}=${value}`),
    ]);
    return {
      baseUrl: await container.url(),
      apiKey: API_KEY,
      fetch,
      close: async () => {
        await container.remove();
      },
    };
  });
}
