// Runs the tests of one runtime, or those that need a PostgreSQL server; all of them are part of
// `bun run test` too:
//
//   bun run test:runtime node|deno|workerd|lambda
//   bun run test:postgres
//
// TEST_OPTIONS may name further options of `bun test`, separated by spaces.
import { runMain, UsageError } from "./shell/main.ts";

const SERVERS = "./test/runtimes/servers.test.ts";

/** What of the suite belongs to a runtime: arguments of `bun test`. */
export const RUNTIMES: Record<string, readonly string[]> = {
  node: [SERVERS, "--test-name-pattern=^Node"],
  deno: [SERVERS, "--test-name-pattern=^Deno"],
  workerd: ["./test/runtimes/workers.test.ts", "./test/runtimes/wrangler.test.ts"],
  lambda: ["./test/runtimes/lambda.test.ts"],
};

/** Every part that can be run by itself. */
export const PARTS: Record<string, readonly string[]> = {
  ...RUNTIMES,
  postgres: [
    "./test/http.test.ts",
    "./test/stores.test.ts",
    "./src/database/",
    "./src/server/database/open-store.test.ts",
  ],
};

function main(): number {
  const [name = "nothing"] = process.argv.slice(2);
  const tests = PARTS[name];
  if (!tests) throw new UsageError(`expected one of ${Object.keys(PARTS).join(", ")}, not ${name}`);
  const options = process.env.TEST_OPTIONS?.split(" ") ?? [];
  const { exitCode } = Bun.spawnSync([process.execPath, "test", ...tests, ...options], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  return exitCode;
}

if (import.meta.main) await runMain(main);
