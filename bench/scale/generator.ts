// Sends requests in a process of its own, which may give way to everything else on its core:
//
//   bun bench/scale/generator.ts OPTIONS     as JSON; prints an OpenLoopResult

import { type OpenLoopOptions, type OpenLoopResult, openLoop } from "../open-loop.ts";
import { CLIENT_CORE } from "../wrk.ts";
import { seeded } from "./random.ts";

type GeneratorOptions = Omit<OpenLoopOptions, "random" | "patienceMs">;

/** Two runs must not get their requests at the same times, or one disturbance would look like a rule. */
let runs = 0;

/**
 * Sends requests at random times.
 *
 * @param sharesCore whether something that is measured is on its core, to which it then gives way at once.
 * @throws {Error} if a request was not answered with a 2xx.
 */
export async function generate(
  options: GeneratorOptions,
  sharesCore: boolean,
): Promise<OpenLoopResult> {
  runs += 1;
  const command = [process.execPath, import.meta.path, JSON.stringify(options), String(runs)];
  const idle = sharesCore ? ["chrt", "--idle", "0"] : [];
  const child = Bun.spawn(["taskset", "-c", CLIENT_CORE, ...idle, ...command], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the generator of requests failed");
  const result: OpenLoopResult = JSON.parse(output);
  if (result.latencies.length < result.planned) {
    const { refused, lost } = result;
    throw new Error(`${options.url}: ${refused} requests were refused, and ${lost} were lost`);
  }
  return result;
}

if (import.meta.main) {
  const [options = "", seed] = process.argv.slice(2);
  console.log(
    JSON.stringify(await openLoop({ ...JSON.parse(options), random: seeded(Number(seed)) })),
  );
  process.exit();
}
