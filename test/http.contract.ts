import { afterAll, beforeAll, describe } from "bun:test";
import { createApi, type Target } from "./contract/api.ts";
import { authenticationContract } from "./contract/authentication.ts";
import { booksContract } from "./contract/books.ts";
import { type Exceptions, registerCases } from "./contract/case.ts";
import { docsContract } from "./contract/docs.ts";
import { errorsContract } from "./contract/errors.ts";
import { etagsContract } from "./contract/etags.ts";
import { headersContract } from "./contract/headers.ts";
import { healthContract } from "./contract/health.ts";
import { idempotencyContract } from "./contract/idempotency.ts";
import { limitsContract } from "./contract/limits.ts";
import { listsContract } from "./contract/lists.ts";
import { processContract } from "./contract/process.ts";
import { searchContract } from "./contract/search.ts";
import { tracesContract } from "./contract/traces.ts";

export type { Target };

/**
 * Everything a client may rely on, as one suite for every way to run the service: in this process,
 * as a binary, on any store. It needs nothing but `fetch` and makes the books it reads.
 *
 * @example
 * httpContract("in process", async () => ({
 *   baseUrl: "http://localhost",
 *   apiKey,
 *   fetch: async (url, init) => app.request(url, init),
 * }));
 *
 * @param exceptions the cases that cannot hold there, with the reason.
 */
export function httpContract(
  name: string,
  open: () => Promise<Target>,
  exceptions: Exceptions = {},
): void {
  describe(`${name}: HTTP contract`, () => {
    let target: Target | undefined;

    beforeAll(async () => {
      target = await open();
    });

    afterAll(async () => {
      await target?.close?.();
    });

    const api = createApi(() => {
      if (target === undefined) throw new Error("The target is not open.");
      return target;
    });

    registerCases(exceptions, () => {
      healthContract(api);
      headersContract(api);
      errorsContract(api);
      limitsContract(api);
      authenticationContract(api);
      processContract(api);
      booksContract(api);
      etagsContract(api);
      idempotencyContract(api);
      listsContract(api);
      searchContract(api);
      docsContract(api);
      tracesContract(api);
    });
  });
}
