// The service compared with a bare `Bun.serve` and with other frameworks, by CPU time for a request:
//
//   bun run bench [--only health,process] [--peers go] [--rounds 5] [--seconds 4] [--program FILE] [--json FILE]
//
// It builds the executable, or measures the one that --program names. It needs Linux, two cores, wrk and taskset.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { version } from "../package.json" with { type: "json" };
import { build } from "../scripts/build/executable.ts";
import { outputOf } from "../scripts/shell/commands.ts";
import { runMain, UsageError } from "../scripts/shell/main.ts";
import { type Contender, serviceOf } from "./contenders.ts";
import { describeMachine, requireMachine } from "./machine.ts";
import { PEERS, preparePeers } from "./peers.ts";
import { progress } from "./progress.ts";
import type { Results } from "./results.ts";
import type { Effort } from "./rounds.ts";
import { storeBooks } from "./stored-books.ts";
import { markdown } from "./table.ts";
import { measureWorkload } from "./workload-bench.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";
import { CLIENT_CORE } from "./wrk.ts";

const PROGRAM = "dist/thimble";

type Options = ReturnType<typeof readOptions>;

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      peers: { type: "string" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "4" },
      program: { type: "string" },
      json: { type: "string" },
    },
  });
  return {
    workloads: listed(values.only, WORKLOADS),
    peers: listed(values.peers, PEERS),
    effort: { rounds: wholeNumber(values.rounds), seconds: wholeNumber(values.seconds) },
    program: values.program,
    json: values.json,
  };
}

/** Those of `all` that a list of the command line names, all without a list, and none for an empty one. */
function listed<T extends { id: string }>(list: string | undefined, all: readonly T[]): T[] {
  if (list === undefined) return [...all];
  const names = list.split(",").filter(Boolean);
  const ids = all.map(({ id }) => id);
  const unknown = names.find((name) => !ids.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no ${unknown}, only ${ids.join(", ")}`);
  return all.filter(({ id }) => names.includes(id));
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new UsageError(`${text} is not a whole number above 0`);
}

async function measureAll(options: Options, directory: string): Promise<Results> {
  const program = options.program ?? (await buildProgram());
  const peers = await preparePeers(options.peers, directory);
  for (const { name, reason } of peers.missing) progress(`without ${name}: ${reason}`);
  await moveToClientCore();
  const results: Results = {
    date: new Date().toISOString().slice(0, 10),
    commit: await outputOf("git", "rev-parse", "--short", "HEAD"),
    machine: describeMachine(),
    effort: options.effort,
    workloads: [],
    missing: peers.missing,
  };
  for (const workload of options.workloads) {
    progress(workload.title);
    const { id, title } = workload;
    const measurements = await measureOn(workload, {
      ...{ program, directory, peers: peers.contenders, effort: options.effort },
    });
    results.workloads.push({ id, title, measurements });
  }
  return results;
}

async function buildProgram(): Promise<string> {
  progress("build");
  await build(PROGRAM);
  return PROGRAM;
}

type Place = { program: string; directory: string; peers: Contender[]; effort: Effort };

async function measureOn(workload: Workload, { program, directory, peers, effort }: Place) {
  const own = mkdtempSync(join(directory, "books-"));
  await using books = await storeBooks(workload.database, { program, directory: own });
  const service = serviceOf(resolve(program), version);
  return await measureWorkload({ service, peers, workload, databaseUrl: books.url, effort });
}

/** Moves this process to the core of wrk, and with it everything that it starts, such as PostgreSQL. */
async function moveToClientCore(): Promise<void> {
  await outputOf("taskset", "--all-tasks", "--pid", "--cpu-list", CLIENT_CORE, String(process.pid));
}

async function main(): Promise<void> {
  const options = readOptions();
  requireMachine(["wrk", "taskset"]);
  const directory = mkdtempSync(join(tmpdir(), "thimble-bench-"));
  try {
    const results = await measureAll(options, directory);
    console.log(markdown(results));
    if (options.json) await Bun.write(options.json, `${JSON.stringify(results, null, 2)}\n`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

await runMain(main);
process.exit();
