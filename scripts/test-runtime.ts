// Runs the tests of one runtime, each of which is part of `bun run test` too:
//
//   bun run test:runtime node|deno|workerd|lambda
import { runMain } from "./github.ts";

const SERVERS = "./test/runtimes/servers.test.ts";

/** What of the suite belongs to a runtime: arguments of `bun test`. */
export const RUNTIMES: Record<string, readonly string[]> = {
  node: [SERVERS, "--test-name-pattern=^Node"],
  deno: [SERVERS, "--test-name-pattern=^Deno"],
  workerd: ["./test/runtimes/workers.test.ts", "./test/runtimes/wrangler.test.ts"],
  lambda: ["./test/runtimes/lambda.test.ts"],
};

function main(): void {
  const [name = "nothing"] = process.argv.slice(2);
  const tests = RUNTIMES[name];
  if (!tests) throw new Error(`expected one of ${Object.keys(RUNTIMES).join(", ")}, not ${name}`);
  const { exitCode } = Bun.spawnSync([process.execPath, "test", ...tests], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  process.exitCode = exitCode;
}

if (import.meta.main) await runMain(main);
