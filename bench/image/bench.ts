// Builds and measures the ways to ship the service as an image, and writes results.md, results.svg,
// readme-results.svg and results.json next to itself:
//
//   bun run bench:image [--quick] [--only NAME]...
//
//   --quick       few repetitions: the sizes are exact, times and rates are rough
//   --only NAME   only this variant; may be repeated
//
// A quick run, or one of some variants only, writes partial-results.* instead. Each variant is a
// Dockerfile of this folder, or a target of the project's. Needs Docker, wrk and two cores.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildArguments } from "../../scripts/build/labels.ts";
import { docker, requireEngine } from "../../scripts/shell/commands.ts";
import { runMain } from "../../scripts/shell/main.ts";
import { copyCheckout } from "../../test/container/checkout.ts";
import { describeMachine, loadAverage, readVersions, requireMachine } from "../machine.ts";
import { progress } from "../progress.ts";
import { median } from "../statistics.ts";
import { buildCold, buildWarm, imageOf, localBases, removeAll } from "./build.ts";
import { chart, readmeChart } from "./chart.ts";
import { GZIP_LEVEL, ZSTD_LEVEL } from "./compress-layer.ts";
import { contentsOf } from "./contents.ts";
import type { Effort, Result, Results } from "./results.ts";
import { CONDITIONS, measureRate, measureStart, type Start } from "./run.ts";
import { markdown } from "./table.ts";
import { chooseVariants, findVariants, type Variant } from "./variants.ts";

const FULL: Effort = { starts: 10, turns: 5, secondsPerTurn: 2 };
const QUICK: Effort = { starts: 3, turns: 1, secondsPerTurn: 1 };

const INTERRUPTED = 130;

type Built = Pick<Result, "uncompressed" | "contents" | "buildSeconds" | "localBases">;
type Measured = { variant: Variant; built: Built; starts: Start[]; rates: number[] };

async function measure(variants: readonly Variant[], effort: Effort): Promise<Result[]> {
  const all: Measured[] = [];
  for (const variant of variants) {
    all.push({ variant, built: await buildAndWeigh(variant), starts: [], rates: [] });
  }
  // The variants take turns, so that other load of the machine affects all of them.
  for (let start = 1; start <= effort.starts; start += 1) {
    progress(`start ${start} of ${effort.starts}`);
    for (const { variant, starts } of all) starts.push(await measureStart(variant));
  }
  for (let turn = 1; turn <= effort.turns; turn += 1) {
    progress(`requests, turn ${turn} of ${effort.turns}`);
    for (const { variant, rates } of all) {
      rates.push(await measureRate(variant, effort.secondsPerTurn));
    }
  }
  return all.map(resultOf).toSorted((a, b) => b.uncompressed - a.uncompressed);
}

async function buildAndWeigh(variant: Variant): Promise<Built> {
  const checkout = copyCheckout();
  try {
    progress(`${variant.name}: cold build`);
    const cold = await buildCold(variant, checkout);
    progress(`${variant.name}: ${cold.toFixed(1)} s; warm build`);
    const warm = await buildWarm(variant, checkout);
    progress(`${variant.name}: ${warm.toFixed(1)} s; compressing its layers`);
    const size = await docker("image", "inspect", "--format={{.Size}}", imageOf(variant));
    return {
      uncompressed: Number(size),
      contents: await contentsOf(imageOf(variant)),
      buildSeconds: { cold, warm },
      localBases: await localBases(variant),
    };
  } finally {
    checkout.remove();
  }
}

function resultOf({ variant, built, starts, rates }: Measured): Result {
  return {
    name: variant.name,
    description: variant.description,
    ...built,
    firstAnswerMs: median(starts.map(({ firstAnswerMs }) => firstAnswerMs)),
    idle: {
      anon: median(starts.map(({ anon }) => anon)),
      shmem: median(starts.map(({ shmem }) => shmem)),
    },
    requestsPerSecond: median(rates),
  };
}

async function write(results: Results, name: string): Promise<void> {
  const path = (extension: string) => new URL(`${name}.${extension}`, import.meta.url);
  await Bun.write(path("json"), `${JSON.stringify(results, null, 2)}\n`);
  await Bun.write(path("md"), `${markdown(results)}\n`);
  await Bun.write(path("svg"), chart(results));
  await Bun.write(new URL(`readme-${name}.svg`, import.meta.url), readmeChart(results));
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
    },
  });
  const variants = chooseVariants(findVariants(), values.only);
  requireMachine(["wrk", "taskset", "tar", "nice"]);
  await requireEngine();
  const partial = values.quick || values.only.length > 0;
  const effort = values.quick ? QUICK : FULL;
  const about = {
    date: new Date().toISOString(),
    command: ["bun run bench:image", ...args].join(" "),
    quick: values.quick,
    revision: buildArguments().REVISION ?? "unknown",
    machine: { ...describeMachine(), loadBefore: loadAverage() },
    versions: await readVersions(),
    effort,
    conditions: CONDITIONS,
    compression: { gzipLevel: GZIP_LEVEL, zstdLevel: ZSTD_LEVEL },
  };
  await removeAll();
  const results = { ...about, results: await measure(variants, effort).finally(removeAll) };
  await write(results, partial ? "partial-results" : "results");
  console.log(markdown(results));
}

/**
 * Everything that is written to a temporary directory from now on is deleted when this process ends.
 */
function useOwnTemporaryDirectory(): void {
  const directory = mkdtempSync(join(tmpdir(), "thimble-bench-"));
  process.env.TMPDIR = directory;
  process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
}

/** Ctrl-C deletes it too, although it comes twice: from the terminal, and from bun.mjs. */
function removeWhenInterrupted(): void {
  let interrupted = false;
  const interrupt = async () => {
    if (interrupted) return;
    interrupted = true;
    await removeAll().catch(() => {});
    process.exit(INTERRUPTED);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, interrupt);
}

if (import.meta.main) {
  useOwnTemporaryDirectory();
  removeWhenInterrupted();
  await runMain(() => main(process.argv.slice(2)));
}
