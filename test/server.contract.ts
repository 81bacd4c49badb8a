import { CONTRACT_VARIABLES } from "./contract/api.ts";
import { httpContract } from "./http.contract.ts";
import { httpsContract } from "./https.contract.ts";
import { logContract } from "./log.contract.ts";
import { freshDatabase } from "./postgres.ts";
import { type Program, type ProgramOptions, programContract } from "./program.contract.ts";
import { startService, type Variables } from "./service.ts";

/** Where the entries of a program under test live. A runtime does not affect the stores. */
export type StoreKind = "memory" | "SQLite" | "PostgreSQL";

/**
 * All that a program has to be which serves on a port: the HTTP contract, and contracts of its own.
 *
 * @param stores those that the HTTP contract runs on.
 */
export function serverContract(
  name: string,
  program: Program,
  stores: readonly StoreKind[],
  options?: ProgramOptions,
): void {
  httpContractOf(name, program, stores);
  programContract(name, program, options);
  httpsContract(name, program, options);
  logContract(name, program, options);
}

/** The HTTP contract of a program that serves on a port, on each of these stores. */
export function httpContractOf(name: string, program: Program, stores: readonly StoreKind[]): void {
  for (const store of stores) {
    httpContract(`${name}, ${store}`, async () => {
      const { env, drop } = await databaseOf(store);
      const service = await startService({
        command: await program(),
        env: { ...CONTRACT_VARIABLES, ...env },
      });
      return {
        baseUrl: service.url,
        apiKey: service.apiKey,
        fetch,
        close: async () => {
          await service[Symbol.asyncDispose]();
          await drop();
        },
      };
    });
  }
}

async function databaseOf(
  store: StoreKind,
): Promise<{ env: Variables; drop: () => Promise<void> }> {
  if (store === "PostgreSQL") {
    const { url, drop } = await freshDatabase();
    return { env: { DATABASE_URL: url }, drop };
  }
  const env: Variables = store === "memory" ? { DATABASE_URL: "memory:" } : {};
  return { env, drop: async () => {} };
}
