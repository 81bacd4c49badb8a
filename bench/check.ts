// A short run of `bun run bench`: fails if the service has become slower, compared with a bare `Bun.serve`.
//
//   bun run bench:check [--program FILE] [--write]
//
// It compares with bench/ratios.json, which --write replaces.
import { parseArgs } from "node:util";
import { runMain } from "../scripts/shell/main.ts";
import { SERVICE } from "./contenders.ts";
import { PARTS } from "./parts.ts";
import { progress } from "./progress.ts";
import committed from "./ratios.json" with { type: "json" };
import { type Drop, drops, type Ratios } from "./ratios.ts";
import type { Measurement } from "./rounds.ts";
import { runParts } from "./run.ts";

const RATIOS = new URL("ratios.json", import.meta.url).pathname;
const EFFORT = { rounds: 5, seconds: 2 };

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { program: { type: "string" }, write: { type: "boolean", default: false } },
  });
  const measured = await measureRatios(Object.keys(committed), values.program);
  if (values.write) {
    await Bun.write(RATIOS, `${JSON.stringify(measured, null, 2)}\n`);
    return 0;
  }
  const found = await confirmed(drops(committed, measured), values.program);
  for (const { text } of found) console.error(`bench:check: ${text}`);
  return found.length === 0 ? 0 : 1;
}

/** Those drops that a second measurement finds too: other load of the machine may be the cause of one. */
async function confirmed(found: Drop[], program: string | undefined): Promise<Drop[]> {
  if (found.length === 0) return [];
  const ids = found.map(({ id }) => id);
  for (const { text } of found) progress(`once again: ${text}`);
  const again = await measureRatios(ids, program);
  return drops(committed, { ...committed, ...again });
}

async function measureRatios(ids: string[], program: string | undefined): Promise<Ratios> {
  const parts = PARTS.filter(({ id }) => ids.includes(id));
  const results = await runParts({ parts, peers: [], effort: EFFORT, isLong: false, program });
  const ratios = results.workloads.map(({ id, measurements }) => [id, serviceRatio(measurements)]);
  progress(JSON.stringify(Object.fromEntries(ratios)));
  return Object.fromEntries(ratios);
}

/** In two digits, as it is committed. */
function serviceRatio(measurements: readonly Measurement[]): number {
  const service = measurements.find(({ contender }) => contender === SERVICE);
  return Math.round((service?.ratio ?? 0) * 100) / 100;
}

await runMain(main);
process.exit();
