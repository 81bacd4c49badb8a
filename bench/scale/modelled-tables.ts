import { markdownTable } from "../../scripts/shell/markdown-table.ts";
import { variables } from "../../src/config/variables.ts";
import { ASSUMPTIONS, type Assumption } from "./assumptions.ts";
import {
  dollarsOnWorkers,
  dollarsWithCdn,
  latencyCurve,
  latencyOf,
  mostOfPrimary,
  type Projected,
  planFor,
  poolIsLargeEnough,
  totalOf,
  VALUES,
} from "./capacity.ts";
import { latencies, micro, percent, poolOrNone, rounded, whole } from "./cells.ts";
import { connectionsOf, largestPool, RESERVED_CONNECTIONS } from "./formulas.ts";
import type { MeasuredCost, Results } from "./results.ts";

/** How latency grows with utilisation. */
export function knee({ cost }: Projected): string {
  const rows = latencyCurve(cost).map(({ utilisation, perSecond, figures }) => [
    percent(utilisation),
    whole(perSecond),
    figures.p50.toFixed(2),
    figures.p99.toFixed(2),
  ]);
  const table = markdownTable(["busy", "requests/s", "p50, ms", "p99, ms"], rows, "rrrr");
  return `${table}\n\nModelled: one instance, \`${cost.title}\`.`;
}

const REPLICAS = [1, 2, 3, 8, 20, 50, 100];

export function connectionsTable(): string {
  const pool = variables.DATABASE_POOL_SIZE.default;
  const { surge, jobs, maxConnections } = VALUES;
  const rows = REPLICAS.map((replicas) => [
    String(replicas),
    String(connectionsOf({ replicas, surge, pool, jobs })),
    ...[100, maxConnections].map((most) =>
      poolOrNone(largestPool({ replicas, surge, jobs }, most)),
    ),
  ]);
  const heads = [
    "instances",
    `connections at a pool of ${pool}`,
    "largest pool, `max_connections` 100",
    `largest pool, ${maxConnections}`,
  ];
  const note = `With ${surge} more during an update, ${jobs} for jobs, and ${RESERVED_CONNECTIONS} that PostgreSQL keeps.`;
  return `${markdownTable(heads, rows, "rrrr")}\n\n${note}`;
}

const POOLS = [1, 2, 3, 5, 10];
const BUSY = [0.3, 0.6, 0.8];

export function poolTable({ cost }: Projected): string {
  const rows = POOLS.map((pool) => [
    String(pool),
    ...BUSY.map((utilisation) => {
      const perSecond = utilisation / cost.instance;
      return latencyCell(cost, { perSecond, pool });
    }),
  ]);
  const heads = ["pool", ...BUSY.map((each) => `p50 / p99 at ${percent(each)}, ms`)];
  return `${markdownTable(heads, rows, "rrrr")}\n\nModelled: \`${cost.title}\`.`;
}

export function databaseTable({ costs }: Results): string {
  const stored = costs.filter(({ database }) => database > 0);
  const rows = stored.map((cost) => [
    `\`${cost.title}\``,
    micro(cost.database),
    ...[1000, 10_000, 100_000, 1e6].map((load) =>
      whole(Math.ceil((load * cost.database) / VALUES.databaseUtilisation)),
    ),
    rounded(mostOfPrimary(cost)),
  ]);
  const heads = [
    "request",
    "CPU of PostgreSQL, µs",
    ...["1,000/s", "10,000/s", "100,000/s", "1,000,000/s"].map((load) => `cores for ${load}`),
    `most of ${VALUES.largestDatabase} cores, requests/s`,
  ];
  return `${markdownTable(heads, rows, "lrrrrrr")}\n\nMeasured CPU time; modelled cores, ${percent(VALUES.databaseUtilisation)} busy.`;
}

export function balancerTable({ cost }: Projected): string {
  const rows = [0.6, 0.8, 0.9].map((utilisation) => {
    const perSecond = utilisation / cost.instance;
    const of = (inTurns: boolean) =>
      latencies(latencyOf(cost, { perSecond, pool: 10, count: 4, inTurns }));
    return [percent(utilisation), of(false), of(true)];
  });
  const heads = ["busy", "at random: p50 / p99, ms", "in turns: p50 / p99, ms"];
  return `${markdownTable(heads, rows, "rrr")}\n\nModelled: 4 instances, \`${cost.title}\`.`;
}

const GROWTH = [100, 1000, 10_000, 100_000, 1e6];

export function cdnTable(projected: Projected): string {
  const rows = GROWTH.map((load) => {
    const rest = load * (1 - VALUES.hitRatio);
    return [
      whole(load),
      whole(rest),
      whole(planFor(projected, rest).instances),
      whole(planFor(projected, rest).databaseCores),
      rounded(totalOf(planFor(projected, load))),
      rounded(dollarsWithCdn(projected, load)),
      rounded(dollarsOnWorkers(load)),
    ];
  });
  const heads = [
    "requests/s",
    `of them after a CDN with ${percent(VALUES.hitRatio)} hits`,
    "instances then",
    "cores of PostgreSQL then",
    "$ a month without a CDN",
    "with one",
    "on Workers with D1",
  ];
  return `${markdownTable(heads, rows, "rrrrrrr")}\n\nModelled, for \`${projected.cost.title}\`.`;
}

/** What a load needs, with the latency of an instance as busy as it then is. */
export function growthTable(projected: Projected): string {
  const { cost } = projected;
  const rows = GROWTH.map((load) => {
    const plan = planFor(projected, load);
    const pool = Math.min(10, plan.pool) || 1;
    const { dollars: parts } = plan;
    return [
      whole(load),
      whole(plan.instances),
      `${whole(plan.databaseCores)}${plan.fits ? "" : " \\*"}`,
      poolOrNone(plan.pool),
      latencyCell(cost, { perSecond: load / plan.instances, pool }),
      [parts.instances, parts.database, parts.traffic].map(rounded).join(" + "),
      rounded(totalOf(plan)),
    ];
  });
  const heads = [
    "requests/s",
    "instances",
    "cores of PostgreSQL",
    "largest pool",
    "p50 / p99, ms",
    "$ a month: instances + PostgreSQL + traffic",
    "together",
  ];
  const note =
    `Modelled, for \`${cost.title}\`. \\* More than the ${VALUES.largestDatabase} cores of one PostgreSQL: ` +
    "a CDN helps, or splitting the data.";
  return `${markdownTable(heads, rows, "rrrrrrr")}\n\n${note}`;
}

type InstanceLoad = { perSecond: number; pool: number };

function latencyCell(cost: MeasuredCost, load: InstanceLoad): string {
  if (!poolIsLargeEnough(cost, load)) return "the pool is too small";
  return latencies(latencyOf(cost, load));
}

export function assumptionsTable(): string {
  const rows = Object.entries<Assumption>(ASSUMPTIONS).map(([name, { value, what, source }]) => [
    `\`${name}\``,
    String(value),
    what,
    source,
  ]);
  return markdownTable(["name", "value", "what", "source"], rows, "lrll");
}
