import { CONTRACT_VARIABLES } from "./contract/api.ts";
import { httpContract } from "./http.contract.ts";
import { httpsContract } from "./https.contract.ts";
import { logContract } from "./log.contract.ts";
import { freshDatabase } from "./postgres.ts";
import { type Program, type ProgramOptions, programContract } from "./program.contract.ts";
import { startService, type Variables } from "./service.ts";

/** All that a program has to be which serves on a port: the HTTP contract on every store, and its own. */
export function serverContract(name: string, program: Program, options?: ProgramOptions): void {
  const open = async (env: Variables, release = async () => {}) => {
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
        await release();
      },
    };
  };

  httpContract(`${name}, memory`, () => open({ DATABASE_URL: "memory:" }));
  httpContract(`${name}, SQLite`, () => open({}));
  httpContract(`${name}, PostgreSQL`, async () => {
    const { url, drop } = await freshDatabase();
    return open({ DATABASE_URL: url }, drop);
  });
  programContract(name, program, options);
  httpsContract(name, program, options);
  logContract(name, program, options);
}
