import { TARGETS } from "../../scripts/release/tags.ts";
import { RESOURCES } from "../../src/service.ts";
import { httpContractOf } from "../resources/contract.ts";
import { API_KEY } from "../service.ts";
import { startContainer } from "./container.ts";

for (const target of TARGETS) {
  for (const resource of RESOURCES) {
    httpContractOf(resource, `${target} with SQLite`, async () => {
      const container = await startContainer(target, [`--env=API_KEY=${API_KEY}`]);
      return {
        url: await container.url(),
        close: async () => {
          await container.remove();
        },
      };
    });
  }
}
