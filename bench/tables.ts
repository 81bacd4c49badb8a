// Writes the tables of README.md, docs/benchmarks.md and docs/scaling.md that the last complete runs of benchmarks have,
// and the chart of the latter:
//
//   bun bench/tables.ts
import { README, writeTables } from "../scripts/readme-tables.ts";
import images from "./image/results.json" with { type: "json" };
import { readmeMarkdown, readmeSummary } from "./image/table.ts";
import bench from "./results.json" with { type: "json" };
import { chart } from "./scale/chart.ts";
import scale from "./scale/results.json" with { type: "json" };
import { scalingTables } from "./scale/table.ts";

const pathOf = (file: string) => new URL(file, import.meta.url).pathname;
const BENCHMARKS = pathOf("../docs/benchmarks.md");
const SCALING = pathOf("../docs/scaling.md");

/** Charts that belong to a document, by the path of their file. */
export const benchmarkCharts = () => ({ [pathOf("scale/results.svg")]: chart(scale) });

/** Results of a benchmark, as its last complete run wrote them. */
const benchmark = async (name: string) =>
  (await Bun.file(pathOf(`${name}/results.md`)).text()).trim();

/** Each document that has results, with its tables by name. */
export async function benchmarkTables(): Promise<Record<string, Record<string, string>>> {
  return {
    [README]: { summary: readmeSummary(images), images: readmeMarkdown(images) },
    [BENCHMARKS]: { images: await benchmark("image"), runtimes: await benchmark("runtimes") },
    [SCALING]: scalingTables(scale, bench),
  };
}

async function main(): Promise<void> {
  await writeTables(await benchmarkTables());
  for (const [file, svg] of Object.entries(benchmarkCharts())) await Bun.write(file, svg);
}

if (import.meta.main) await main();
