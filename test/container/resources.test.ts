import { TARGETS } from "../../scripts/release/tags.ts";
import { RESOURCES } from "../../src/service.ts";
import { httpContractOf } from "../resources/contract.ts";
import { startContainer } from "./container.ts";

for (const target of TARGETS) {
  for (const resource of RESOURCES) {
    httpContractOf(resource, `${target} with SQLite`, async () => {
      const container = await startContainer(target);
      return {
        url: await container.url(),
        close: async () => {
          await container.remove();
        },
      };
    });
  }
}
