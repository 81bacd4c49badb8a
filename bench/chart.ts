import { barChart, type Kind, type Panel } from "./bar-chart.ts";
import { SERVICE, YARDSTICK } from "./contenders.ts";
import type { Results } from "./results.ts";

/** An SVG image: CPU time for each request that peers answer too. */
export function chart({ workloads }: Results): string {
  return barChart({
    title: "CPU time for a request, µs",
    notes: ["The same answers. Shorter is better."],
    label: "CPU time for a request, of the service and of others",
    panels: workloads.filter(({ measurements }) => measurements.length > 2).map(panelOf),
  });
}

function panelOf({ title, measurements }: Results["workloads"][number]): Panel {
  const bars = measurements
    .toSorted((a, b) => a.microseconds.median - b.microseconds.median)
    .map(({ contender, microseconds }) => ({
      name: contender,
      value: microseconds.median,
      kind: kindOf(contender),
    }));
  return { title, digits: 1, bars };
}

function kindOf(contender: string): Kind {
  if (contender === SERVICE) return "own";
  return contender === YARDSTICK ? "bare" : "bar";
}
