import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { Contender } from "./contenders.ts";
import { measureEndurance } from "./endurance.ts";
import { measureLatency, measureOverload } from "./overload.ts";
import type { Results } from "./results.ts";
import type { Effort } from "./rounds.ts";
import { measureStart } from "./start-up.ts";
import { storeBooks } from "./stored-books.ts";
import { measureWorkload } from "./workload-bench.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";
import { measureWrites } from "./writes.ts";

/** What a part is measured with. */
export type Bench = {
  service: Contender;
  peers: readonly Contender[];
  /** For files of this run. */
  directory: string;
  effort: Effort;
  isLong: boolean;
};

/** A part of the benchmark, which `--only` may name. */
export type Part = {
  id: string;
  title: string;
  measure: (bench: Bench, results: Results) => Promise<void>;
};

/** All parts, in their order. */
export const PARTS: readonly Part[] = [
  ...WORKLOADS.map(workloadPart),
  {
    id: "latency",
    title: "Latency at half of saturation",
    measure: async (bench, results) => {
      results.latency = await withBooks(bench, "sqlite", (place) => latencies(bench, place));
    },
  },
  {
    id: "overload",
    title: "More requests than can be answered",
    measure: async (bench, results) => {
      const { service, effort } = bench;
      const { seconds } = effort;
      results.overload = await withBooks(bench, "sqlite", ({ databaseUrl }) =>
        measureOverload({ contender: service, databaseUrl, seconds }),
      );
    },
  },
  {
    id: "writes",
    title: "Writes to SQLite, and reads next to them",
    measure: async (bench, results) => {
      const { service, effort } = bench;
      const { seconds } = effort;
      results.writes = await withBooks(bench, "sqlite", (place) =>
        measureWrites({ service, ...place, seconds }),
      );
    },
  },
  {
    id: "memory",
    title: "Memory after many requests",
    measure: async (bench, results) => {
      const { service, isLong } = bench;
      results.memory = await withBooks(bench, "sqlite", ({ databaseUrl }) =>
        measureEndurance({ service, databaseUrl }, isLong),
      );
    },
  },
  {
    id: "start",
    title: "Start to the first 200",
    measure: async (bench, results) => {
      results.start = await withBooks(bench, "sqlite", (place) =>
        measureStart(bench.service, place),
      );
    },
  },
];

function workloadPart(workload: Workload): Part {
  const { id, title, database } = workload;
  return {
    id,
    title,
    measure: async (bench, { workloads }) => {
      const measurements = await withBooks(bench, database, ({ databaseUrl }) =>
        measureWorkload({ ...bench, workload, databaseUrl }),
      );
      workloads.push({ id, title, measurements });
    },
  };
}

async function latencies(
  { service, peers, effort }: Bench,
  { databaseUrl }: Place,
): Promise<NonNullable<Results["latency"]>> {
  const measure = (path: string, contender: Contender) =>
    measureLatency(path, { contender, databaseUrl, seconds: effort.seconds });
  const measurements = [await measure("/health", service)];
  for (const peer of peers) measurements.push(await measure("/health", peer));
  measurements.push(await measure("/books/1", service));
  return measurements;
}

type Place = { databaseUrl: string; directory: string };

/** Makes a database with books for one part, and removes it. */
async function withBooks<T>(
  { service, directory }: Bench,
  database: Workload["database"],
  measure: (place: Place) => Promise<T>,
): Promise<T> {
  const own = mkdtempSync(join(directory, "books-"));
  const [program = ""] = service.command;
  await using books = await storeBooks(database, { program, directory: own });
  return await measure({ databaseUrl: books.url, directory: own });
}
