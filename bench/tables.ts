// Writes the tables of README.md and docs/benchmarks.md that the last complete runs of benchmarks have:
//
//   bun bench/tables.ts
import { README, writeTables } from "../scripts/readme-tables.ts";
import images from "./image/results.json" with { type: "json" };
import { readmeMarkdown, readmeSummary } from "./image/table.ts";

const BENCHMARKS = new URL("../docs/benchmarks.md", import.meta.url).pathname;

/** Results of a benchmark, as its last complete run wrote them. */
const benchmark = async (name: string) =>
  (await Bun.file(new URL(`${name}/results.md`, import.meta.url)).text()).trim();

/** Each document that has results, with its tables by name. */
export async function benchmarkTables(): Promise<Record<string, Record<string, string>>> {
  return {
    [README]: { summary: readmeSummary(images), images: readmeMarkdown(images) },
    [BENCHMARKS]: { images: await benchmark("image"), runtimes: await benchmark("runtimes") },
  };
}

if (import.meta.main) await writeTables(await benchmarkTables());
