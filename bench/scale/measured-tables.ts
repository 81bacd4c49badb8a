import { markdownTable } from "../../scripts/shell/markdown-table.ts";
import { SERVICE } from "../contenders.ts";
import type { Results as BenchResults } from "../results.ts";
import { median } from "../statistics.ts";
import { VALUES } from "./capacity.ts";
import { micro, percent, whole } from "./cells.ts";
import { restOf, variation } from "./model.ts";
import type { Check, Figures, Results, Saving } from "./results.ts";

/** What one core serves, from `bun run bench`. */
export function coreTable({ workloads, date, commit }: BenchResults): string {
  const rows = workloads.flatMap(({ title, measurements }) =>
    measurements
      .filter(({ contender }) => contender === SERVICE)
      .map(({ microseconds, perSecond }) => [
        `\`${title}\``,
        microseconds.median.toFixed(0),
        whole(perSecond.median),
        whole(perSecond.median * VALUES.utilisation),
      ]),
  );
  const heads = [
    "request",
    "CPU time, µs",
    "requests/s of a core",
    `at ${percent(VALUES.utilisation)}`,
  ];
  const note = `Measured: \`bun run bench\`, ${date}, at commit ${commit}; [the machine](performance.md#results).`;
  return `${markdownTable(heads, rows, "lrrr")}\n\n${note}`;
}

export function costTable({ costs }: Results): string {
  const rows = costs.map((cost) => {
    const { title, instance, database, waitsForDisk } = cost;
    return [
      `\`${title}\``,
      micro(instance),
      database === 0 ? "" : micro(database),
      micro(restOf(cost)),
      waitsForDisk ? "" : variation(cost).toFixed(2),
    ];
  });
  const heads = [
    "request",
    "CPU of the instance, µs",
    "CPU of PostgreSQL, µs",
    "the rest, µs",
    "variance ÷ mean²",
  ];
  return markdownTable(heads, rows, "lrrrr");
}

/** Each load of the check: measured, then what the model says. */
export function checkTable({ checks, costs }: Pick<Results, "checks" | "costs">): string {
  const heads = [
    "request",
    "instances",
    "busiest core or pool",
    "requests/s",
    "p50, ms: measured / modelled",
    "p99, ms: measured / modelled",
    "CPU, µs: measured / modelled",
  ];
  const rows = checks.map((check) => [
    `\`${costs.find(({ id }) => id === check.id)?.title ?? check.id}\``,
    String(check.instances),
    percent(check.utilisation),
    whole(check.perSecond),
    pair(check, "p50", 2),
    pair(check, "p99", 2),
    pair(check, "cpu", 0),
  ]);
  return markdownTable(heads, rows, "lrrrrrr");
}

function pair({ measured, modelled }: Check, figure: keyof Figures, digits: number): string {
  return `${measured[figure].toFixed(digits)} / ${modelled[figure].toFixed(digits)}`;
}

/** How far the model is off, in sentences. */
export function accuracy(checks: readonly Check[]): string {
  const ratios = (figure: keyof Figures) =>
    checks.map(({ measured, modelled }) => modelled[figure] / measured[figure]);
  const within = (figure: keyof Figures, factor: number) =>
    ratios(figure).filter((ratio) => ratio < factor && ratio > 1 / factor).length;
  const sentence = (figure: keyof Figures, name: string) =>
    `${name}: ${median(ratios(figure)).toFixed(2)} in the middle, from ` +
    `${Math.min(...ratios(figure)).toFixed(2)} to ${Math.max(...ratios(figure)).toFixed(2)}; ` +
    `${within(figure, 1.5)} of ${checks.length} are within a factor of 1.5.`;
  return [
    "Modelled ÷ measured:",
    "",
    `- ${sentence("p50", "p50")}`,
    `- ${sentence("p99", "p99")}`,
    `- ${sentence("cpu", "CPU time")}`,
  ].join("\n");
}

export function madeOn({ date, command, commit, machine, rounds, seconds }: Results): string {
  const { cores, cpu, memoryGiB, architecture } = machine;
  return (
    `${date}, \`${command}\` at commit ${commit}, on ${cores} cores (${cpu}), ${memoryGiB} GiB, ${architecture}; ` +
    `each row is the median of ${rounds} rounds of ${seconds} s.`
  );
}

export function unchangedTable({ savings }: Results): string {
  const rows = savings.map(({ title, bytes, cpu }: Saving) => [
    `\`${title}\``,
    `${bytes.whole} / ${bytes.unchanged}`,
    `${micro(cpu.whole)} / ${micro(cpu.unchanged)}`,
  ]);
  const heads = ["request", "bytes of the answer: 200 / 304", "CPU of the instance, µs: 200 / 304"];
  return `${markdownTable(heads, rows, "lrr")}\n\nMeasured, in the run of the table above.`;
}
