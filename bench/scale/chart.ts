import {
  dollarsOnWorkers,
  dollarsWithCdn,
  latencyCurve,
  mostOfPrimary,
  type Projected,
  planFor,
  totalOf,
} from "./capacity.ts";
import { type Line, lineChart, type Panel } from "./line-chart.ts";
import { projectedOf } from "./projected.ts";
import type { Results } from "./results.ts";

const MOST = 1e6;
const DOLLARS = { from: 10, to: 10_000_000 };
/** Four points for each power of ten. */
const LOADS = Array.from({ length: 17 }, (_, step) => 10 ** (2 + step / 4));

/** An SVG image: latency and cost from a hundred to a million requests a second. */
export function chart(results: Results): string {
  const projected = projectedOf(results);
  return lineChart({
    title: "From one core to a million a second",
    notes: [projected.cost.title, "Lines are modelled, dots are measured."],
    label: "Latency and cost by requests a second, modelled, with what was measured",
    panels: [latencyPanel(results, projected), costPanel(projected)],
  });
}

function latencyPanel({ checks }: Results, { cost }: Projected): Panel {
  const curve = latencyCurve(cost);
  const lineOf = (instances: number, kind: Line["kind"]): Line => ({
    name: instances === 1 ? "1 instance" : `${instances} instances`,
    kind,
    points: curve
      .map(({ perSecond, figures }) => [perSecond * instances, figures.p99] as const)
      .filter(([perSecond]) => perSecond <= MOST),
  });
  const measured = checks.filter(({ id, instances }) => id === cost.id && instances === 1);
  return {
    title: "p99, ms",
    note: "by requests/s; dots: one instance here",
    x: { from: 100, to: MOST },
    y: { from: 0.1, to: 100 },
    lines: [lineOf(1, "own"), lineOf(10, "bar"), lineOf(100, "other")],
    dots: measured.map(({ perSecond, measured: { p99 } }) => [perSecond, p99]),
  };
}

function costPanel(projected: Projected): Panel {
  const most = mostOfPrimary(projected.cost);
  const lineOf = (
    name: string,
    kind: Line["kind"],
    dollars: (perSecond: number) => number,
  ): Line => ({
    name,
    kind,
    points: LOADS.map((perSecond) => [perSecond, dollars(perSecond)]),
  });
  return {
    title: "$ a month, at list prices",
    note: "by requests/s, day and night",
    x: { from: 100, to: MOST },
    y: DOLLARS,
    lines: [
      lineOf("instances, PostgreSQL, traffic", "own", (load) => totalOf(planFor(projected, load))),
      lineOf("the same with a CDN", "bar", (load) => dollarsWithCdn(projected, load)),
      lineOf("Workers with D1", "other", dollarsOnWorkers),
      { name: "the most of one PostgreSQL", kind: "limit", points: upright(Math.min(most, MOST)) },
    ],
    dots: [],
  };
}

/** A line across the whole panel. */
function upright(perSecond: number): Line["points"] {
  return [
    [perSecond, DOLLARS.from],
    [perSecond, DOLLARS.to],
  ];
}
