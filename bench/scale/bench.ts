// Measures what requests cost, and what 1, 2 and 3 instances do under constant loads, next to what the simulation says:
//
//   bun run bench:scale [--only book-postgres] [--rounds 3] [--seconds 1.2] [--program FILE] [--save]
//
// --save writes results.json next to itself, from which `bun bench/tables.ts` writes docs/scaling.md and its chart. It
// needs Linux, two cores, wrk, taskset and chrt; everything takes about five minutes.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { version } from "../../package.json" with { type: "json" };
import { build } from "../../scripts/build/executable.ts";
import { outputOf } from "../../scripts/shell/commands.ts";
import { runMain, UsageError } from "../../scripts/shell/main.ts";
import { serviceOf } from "../contenders.ts";
import { describeMachine, requireMachine } from "../machine.ts";
import { progress } from "../progress.ts";
import { CLIENT_CORE } from "../wrk.ts";
import { LOADS } from "./loads.ts";
import { measureLoads } from "./measure.ts";
import { checkTable } from "./measured-tables.ts";
import type { Results } from "./results.ts";

const RESULTS = join(import.meta.dir, "results.json");
const PROGRAM = "dist/thimble";

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "1.2" },
      program: { type: "string" },
      save: { type: "boolean", default: false },
    },
  });
  const names = values.only?.split(",") ?? LOADS.map(({ id }) => id);
  const unknown = names.find((name) => !LOADS.some(({ id }) => id === name));
  if (unknown !== undefined) {
    throw new UsageError(`there is no ${unknown}, only ${LOADS.map(({ id }) => id).join(", ")}`);
  }
  if (values.save && values.only !== undefined) {
    throw new UsageError("--save publishes all loads; leave --only out");
  }
  const [rounds, seconds] = [above0(values.rounds), above0(values.seconds)];
  const { program, save } = values;
  return { loads: LOADS.filter(({ id }) => names.includes(id)), rounds, seconds, program, save };
}

function above0(text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new UsageError(`${text} is not a number above 0`);
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const { loads, program, save, ...effort } = readOptions(args);
  requireMachine(["wrk", "taskset", "chrt"]);
  const directory = mkdtempSync(join(tmpdir(), "thimble-bench-"));
  try {
    if (program === undefined) await build(PROGRAM);
    await moveToClientCore();
    const service = serviceOf(resolve(program ?? PROGRAM), version);
    const results: Results = {
      date: new Date().toISOString().slice(0, 10),
      commit: await outputOf("git", "rev-parse", "--short", "HEAD"),
      command: ["bun run bench:scale", ...args].join(" "),
      machine: describeMachine(),
      ...effort,
      ...(await measureLoads({ service, directory, ...effort }, loads)),
    };
    console.log(checkTable(results));
    if (save) await Bun.write(RESULTS, `${JSON.stringify(results)}\n`);
    progress("end");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Pins this process to the clients' core. All that it starts, such as PostgreSQL, runs there too. */
async function moveToClientCore(): Promise<void> {
  await outputOf("taskset", "--all-tasks", "--pid", "--cpu-list", CLIENT_CORE, String(process.pid));
}

await runMain(main);
process.exit();
