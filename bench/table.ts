import { markdownTable } from "../scripts/shell/markdown-table.ts";
import type { Results } from "./results.ts";
import type { Spread } from "./statistics.ts";

/** The results as Markdown: a table for each part that was measured. */
export function markdown(results: Results): string {
  const tables = [
    workloadTable(results),
    latencyTable(results),
    overloadTable(results),
    writeTable(results),
    memoryTable(results),
    startTable(results),
  ];
  return [...tables.filter((table) => table !== undefined), ...notes(results)].join("\n\n");
}

function workloadTable({ workloads }: Results): string | undefined {
  if (workloads.length === 0) return undefined;
  const rows = workloads.flatMap(({ title, measurements }) =>
    measurements.map(({ contender, version, microseconds, perSecond, ratio }, index) => [
      index === 0 ? `\`${title}\`` : "",
      `${contender} ${version}`,
      microseconds.median.toFixed(1),
      rangeOf(microseconds),
      perSecond.median.toFixed(0),
      ratio.toFixed(2),
    ]),
  );
  const heads = ["request", "", "CPU time, µs", "lowest–highest", "requests/s", "bare ÷ this"];
  return markdownTable(heads, rows, "llrrrr");
}

function latencyTable({ latency }: Results): string | undefined {
  const rows = latency?.map(({ contender, title, saturation, p50Ms, p99Ms, p999Ms }) => [
    `\`${title}\``,
    contender,
    (saturation / 2).toFixed(0),
    ...[p50Ms, p99Ms, p999Ms].map((ms) => ms.toFixed(2)),
  ]);
  const heads = ["request", "", "constant rate, requests/s", "p50, ms", "p99, ms", "p99.9, ms"];
  return rows && markdownTable(heads, rows, "llrrrr");
}

function overloadTable({ overload }: Results): string | undefined {
  const rows = overload?.map(({ factor, goodput, refused }) => [
    `${factor} times what can be answered`,
    percent(goodput),
    percent(refused),
  ]);
  const heads = ["asked for", "answered in time, of what can be", "refused, of what was asked"];
  return rows && markdownTable(heads, rows, "lrr");
}

function writeTable({ writes }: Results): string | undefined {
  const rows = writes?.map(({ fsyncMs, booksPerSecond, fsyncsPerBook, readP99Ms }) => [
    fsyncMs === 0 ? "this disk" : `each fsync ${fsyncMs} ms longer`,
    booksPerSecond.toFixed(0),
    fsyncsPerBook.toFixed(2),
    readP99Ms.alone.toFixed(2),
    readP99Ms.duringWrites.toFixed(2),
  ]);
  const heads = [
    "`POST /books`, SQLite, 32 clients",
    "books/s",
    "fsyncs for a book",
    "p99 of reads alone, ms",
    "p99 of reads during the writes, ms",
  ];
  return rows && markdownTable(heads, rows, "lrrrr");
}

function memoryTable({ memory }: Results): string | undefined {
  const rows = memory?.map(({ requests, microseconds, memoryMiB }) => [
    String(requests),
    memoryMiB.toFixed(1),
    microseconds.toFixed(1),
  ]);
  return rows && markdownTable(["after requests", "memory, MiB", "CPU time, µs"], rows, "rrr");
}

function startTable({ start }: Results): string | undefined {
  const rows = start?.map(({ contender, milliseconds }) => [
    contender,
    milliseconds.median.toFixed(1),
    rangeOf(milliseconds),
  ]);
  return rows && markdownTable(["start to the first 200", "ms", "lowest–highest"], rows, "lrr");
}

function rangeOf({ low, high }: Spread): string {
  return `${low.toFixed(1)}–${high.toFixed(1)}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

function notes({ date, commit, machine, effort, missing }: Results): string[] {
  const { cores, cpu, memoryGiB, architecture } = machine;
  const { rounds, seconds } = effort;
  return [
    `${date}, \`bun run bench\` at commit ${commit}, on ${cores} cores (${cpu}), ${memoryGiB} GiB, ` +
      `${architecture}; rounds: ${rounds}, each of ${seconds} s.`,
    ...missing.map(({ name, reason }) => `Not measured: ${name}. ${reason}`),
  ];
}
