import { markdownTable } from "../scripts/shell/markdown-table.ts";
import type { Results } from "./results.ts";
import type { Spread } from "./statistics.ts";

const HEADS = ["request", "", "CPU time, µs", "lowest–highest", "requests/s", "yardstick ÷ this"];

/** The results as Markdown. */
export function markdown(results: Results): string {
  const rows = results.workloads.flatMap(({ title, measurements }) =>
    measurements.map(({ contender, version, microseconds, perSecond, ratio }, index) => [
      index === 0 ? `\`${title}\`` : "",
      `${contender} ${version}`,
      microseconds.median.toFixed(1),
      rangeOf(microseconds),
      perSecond.median.toFixed(0),
      ratio.toFixed(2),
    ]),
  );
  return [markdownTable(HEADS, rows, "llrrrr"), ...notes(results)].join("\n\n");
}

function rangeOf({ low, high }: Spread): string {
  return `${low.toFixed(1)}–${high.toFixed(1)}`;
}

function notes({ date, commit, machine, effort, missing }: Results): string[] {
  const { cores, cpu, memoryGiB, architecture } = machine;
  const { rounds, seconds } = effort;
  return [
    `${date}, \`bun run bench\` at commit ${commit}, on ${cores} cores (${cpu}), ${memoryGiB} GiB, ${architecture}; ` +
      `medians of ${rounds} rounds of ${seconds} s.`,
    ...missing.map(({ name, reason }) => `Not measured: ${name}. ${reason}`),
  ];
}
