// Runs the HTTP contract on every runtime and store, measures the runtimes, and writes results.json and
// results.md next to itself; `bun run readme` shows the latter in docs/benchmarks.md:
//
//   bun run bench:runtimes [--quick]
//
// A quick run has few repetitions and only prints its table. It needs wrk, taskset and two cores.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildArguments } from "../../scripts/build/labels.ts";
import { runMain } from "../../scripts/shell/main.ts";
import { describeMachine, requireMachine } from "../machine.ts";
import { progress } from "../progress.ts";
import { median } from "../statistics.ts";
import { runContracts } from "./contract.ts";
import type { Measurement, Results } from "./results.ts";
import { findSubjects, type Instance, type Subject } from "./subjects.ts";
import { markdown, writeTable } from "./table.ts";

const FULL = { starts: 10, turns: 5, secondsPerTurn: 2 };
const QUICK = { starts: 2, turns: 1, secondsPerTurn: 1 };
const WARM_UP_SECONDS = 1;

type Effort = typeof FULL;
type Sample = { subject: Subject; starts: number[]; health: number[]; book: number[] };

/** The runtimes take turns, so that other load of the machine affects all of them. */
async function measure(subjects: readonly Subject[], effort: Effort): Promise<Measurement[]> {
  const samples: Sample[] = subjects.map((subject) => ({
    subject,
    starts: [],
    health: [],
    book: [],
  }));
  for (let start = 1; start <= effort.starts; start += 1) {
    progress(`start ${start} of ${effort.starts}`);
    for (const { subject, starts } of samples) {
      await using instance = await begin(subject);
      starts.push(instance.firstAnswerMs);
    }
  }
  for (let turn = 1; turn <= effort.turns; turn += 1) {
    progress(`requests, turn ${turn} of ${effort.turns}`);
    for (const { subject, health, book } of samples) {
      await using instance = await begin(subject);
      await instance.requestsPerSecond("/books/1", WARM_UP_SECONDS);
      health.push(await instance.requestsPerSecond("/health", effort.secondsPerTurn));
      book.push(await instance.requestsPerSecond("/books/1", effort.secondsPerTurn));
    }
  }
  return samples.map(({ subject, starts, health, book }) => ({
    runtime: subject.name,
    version: subject.version,
    firstAnswerMs: median(starts),
    healthPerSecond: median(health),
    bookPerSecond: median(book),
  }));
}

async function begin(subject: Subject): Promise<Instance & AsyncDisposable> {
  const instance = await subject.start();
  return { ...instance, [Symbol.asyncDispose]: instance.stop };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
  requireMachine(["wrk", "taskset"]);
  const directory = mkdtempSync(join(tmpdir(), "thimble-bench-"));
  try {
    const effort = values.quick ? QUICK : FULL;
    progress("the contract");
    const contracts = await runContracts();
    const results: Results = {
      date: new Date().toISOString().slice(0, 10),
      revision: buildArguments().REVISION ?? "unknown",
      machine: describeMachine(),
      effort,
      contracts,
      measurements: await measure(await findSubjects(directory), effort),
    };
    console.log(markdown(results));
    if (values.quick) return;
    await Bun.write(join(import.meta.dir, "results.json"), `${JSON.stringify(results, null, 2)}\n`);
    await writeTable(results);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

await runMain(main);
process.exit();
