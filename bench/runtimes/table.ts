// Writes results.md again from results.json, after test/runtimes/exceptions.ts has changed:
//
//   bun bench/runtimes/table.ts
import { join } from "node:path";
import { markdownTable } from "../../scripts/shell/markdown-table.ts";
import { EXCEPTIONS } from "../../test/runtimes/exceptions.ts";
import type { ContractResult } from "./contract.ts";
import results from "./results.json" with { type: "json" };
import type { Measurement, Results } from "./results.ts";

const STORES = ["memory", "SQLite", "PostgreSQL", "D1"];
const HEADS = [
  "runtime",
  ...STORES,
  "first 200, ms",
  "/health, requests/s",
  "/books/1, requests/s",
];

export const TABLE = join(import.meta.dir, "results.md");

export async function writeTable(results: Results): Promise<void> {
  await Bun.write(TABLE, `${markdown(results)}\n`);
}

/** The results as Markdown: a table and its explanation. */
export function markdown(results: Results): string {
  const runtimes = new Set(
    [...results.measurements, ...results.contracts].map(({ runtime }) => runtime),
  );
  const rows = [...runtimes].map((runtime) => {
    const contracts = results.contracts.filter((each) => each.runtime === runtime);
    const measured = results.measurements.find((each) => each.runtime === runtime);
    return [
      nameOf(runtime, measured),
      ...STORES.map((store) => passed(contracts, store)),
      ...rates(measured),
    ];
  });
  return [markdownTable(HEADS, rows, "lrrrrrrr"), exceptionsTable(), ...notes(results)].join(
    "\n\n",
  );
}

function exceptionsTable(): string {
  const rows = Object.entries(EXCEPTIONS).flatMap(([runtime, cases]) =>
    Object.entries(cases).map(([name, reason]) => [runtime, name, reason]),
  );
  return markdownTable(["runtime", "case that cannot hold", "why"], rows, "lll");
}

function nameOf(runtime: string, measured: Measurement | undefined): string {
  return measured ? `**${runtime}** ${measured.version}` : `**${runtime}**`;
}

/** The number of cases that passed, with the total if some failed; empty for a store without cases. */
function passed(contracts: readonly ContractResult[], store: string): string {
  const cells = contracts
    .filter((each) => each.store.startsWith(store))
    .map(({ store: full, cases, passed }) => {
      const way = full.slice(store.length).trim();
      const count = passed === cases ? String(passed) : `${passed} of ${cases}`;
      return way === "" ? count : `${way} ${count}`;
    });
  return cells.join(", ");
}

function rates(measured: Measurement | undefined): string[] {
  if (!measured) return ["", "", ""];
  const { firstAnswerMs, healthPerSecond, bookPerSecond } = measured;
  return [firstAnswerMs, healthPerSecond, bookPerSecond].map((value) => value.toFixed(0));
}

function notes({ date, revision, machine, effort }: Results): string[] {
  const { cores, cpu, memoryGiB, architecture } = machine;
  const { starts, turns, secondsPerTurn } = effort;
  return [
    `${date}, \`bun run bench:runtimes\` at commit ${revision.slice(0, 7)}, on ${cores} cores (${cpu}), ${memoryGiB} GiB, ${architecture}.`,
    "Under each store: how many cases of the HTTP contract passed with it. A cell is empty if the tests skip that pair, " +
      "because another one runs the same code. " +
      `First 200: from the start of the process, on one core, to the first 200 of \`/health\`, median of ${starts}. ` +
      "Requests: books in memory, one core for the service and one for wrk, " +
      `median of ${turns} turns of ${secondsPerTurn} s; Lambda takes one event at a time, over a pipe, on any core.`,
  ];
}

if (import.meta.main) await writeTable(results);
