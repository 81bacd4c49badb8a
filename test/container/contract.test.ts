import { TARGETS } from "../../scripts/image-tags.ts";
import { httpContract } from "../http.contract.ts";
import { API_KEY, startContainer } from "./container.ts";

for (const target of TARGETS) {
  httpContract(`${target} on SQLite`, async () => {
    const container = await startContainer(target, [
      "--user=12345:0",
      "--env=CORS_ORIGINS=https://app.example",
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
