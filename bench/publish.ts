// Writes what is published of the last complete run again, from results.json: the chart, and the
// tables in docs/performance.md:
//
//   bun bench/publish.ts
import { join } from "node:path";
import { chart } from "./chart.ts";
import type { Results } from "./results.ts";
import { markdown } from "./table.ts";

export const JSON_FILE = join(import.meta.dir, "results.json");
export const CHART = join(import.meta.dir, "results.svg");
export const DOCS = join(import.meta.dir, "../docs/performance.md");

const BETWEEN_MARKERS = /(<!-- results -->)[\s\S]*?(<!-- \/results -->)/;

/** Replaces the results that are published. */
export async function save(results: Results): Promise<void> {
  await writeJson(JSON_FILE, results);
  await publish(results);
}

export async function writeJson(path: string, results: Results): Promise<void> {
  await Bun.write(path, `${JSON.stringify(results, null, 2)}\n`);
}

async function publish(results: Results): Promise<void> {
  await Bun.write(CHART, chart(results));
  await Bun.write(DOCS, withResults(await Bun.file(DOCS).text(), results));
}

/** The text of the documentation with these results between its markers. */
export function withResults(text: string, results: Results): string {
  return text.replace(
    BETWEEN_MARKERS,
    (_all, before: string, after: string) => `${before}\n\n${markdown(results)}\n\n${after}`,
  );
}

if (import.meta.main) await publish(await Bun.file(JSON_FILE).json());
