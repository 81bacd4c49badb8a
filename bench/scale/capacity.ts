import { ASSUMPTIONS } from "./assumptions.ts";
import { largestPool } from "./formulas.ts";
import { connectionSeconds, modelled } from "./model.ts";
import type { Figures, MeasuredCost } from "./results.ts";

export type Values = { [name in keyof typeof ASSUMPTIONS]: number };

export const VALUES = Object.fromEntries(
  Object.entries(ASSUMPTIONS).map(([name, { value }]) => [name, value]),
) as Values;

/** What is projected: the cost of a request, and the bytes of its answer. */
export type Projected = { cost: MeasuredCost; bytes: number };

/** What serves a load; dollars are for a month. */
export type Plan = {
  instances: number;
  databaseCores: number;
  /** The largest pool with which all instances fit into `max_connections`; 0 if none does. */
  pool: number;
  /** Whether one PostgreSQL has so many cores. */
  fits: boolean;
  dollars: { instances: number; database: number; traffic: number };
};

/** What serves so many requests a second without a cache. */
export function planFor({ cost, bytes }: Projected, perSecond: number, values = VALUES): Plan {
  const busy = (perSecond * cost.instance) / values.utilisation;
  const instances = Math.max(values.leastInstances, Math.ceil(busy));
  const databaseCores = Math.ceil((perSecond * cost.database) / values.databaseUtilisation);
  const hour = values.coreHour + values.gib * values.gibHour;
  const copies = databaseCores * values.databaseCopies;
  return {
    instances,
    databaseCores,
    pool: largestPool({ ...values, replicas: instances }, values.maxConnections),
    fits: databaseCores <= values.largestDatabase,
    dollars: {
      instances: instances * hour * values.hours,
      database: copies * values.databaseCoreHour * values.hours,
      traffic: gigabytes(perSecond, bytes, values) * values.gigabyte,
    },
  };
}

export function totalOf({ dollars }: Plan): number {
  return dollars.instances + dollars.database + dollars.traffic;
}

/** Dollars a month where a CDN answers its share; what it fetches from its own cloud costs no traffic. */
export function dollarsWithCdn(projected: Projected, perSecond: number, values = VALUES): number {
  const { dollars } = planFor(projected, perSecond * (1 - values.hitRatio), values);
  const requests = (monthly(perSecond, values) / 1e6) * values.cdnMillion;
  const traffic = gigabytes(perSecond, projected.bytes, values) * values.cdnGigabyte;
  return dollars.instances + dollars.database + requests + traffic;
}

/** Dollars a month on Workers, with one row read from D1 for each request. Neither charges for traffic. */
export function dollarsOnWorkers(perSecond: number, values = VALUES): number {
  const { workersMillion, workersMs, workersMillionMs, d1MillionRows } = values;
  return (
    (monthly(perSecond, values) / 1e6) *
    (workersMillion + workersMs * workersMillionMs + d1MillionRows)
  );
}

/** The most requests a second that one PostgreSQL answers. */
export function mostOfPrimary({ database }: MeasuredCost, values = VALUES): number {
  return (values.largestDatabase * values.databaseUtilisation) / database;
}

export type CurvePoint = { utilisation: number; perSecond: number; figures: Figures };

const UTILISATIONS = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
const REQUESTS = 20_000;
const POOL = 10;

/**
 * Latency of one instance, the busier the longer, with as many cores of PostgreSQL as its share needs. Requests come at
 * random from a balancer that splits them at random, so each of many instances sees the same.
 */
export function latencyCurve(cost: MeasuredCost): CurvePoint[] {
  return UTILISATIONS.map((utilisation) => {
    const perSecond = utilisation / cost.instance;
    return { utilisation, perSecond, figures: latencyOf(cost, { perSecond, pool: POOL }) };
  });
}

/** Whether a pool has a connection free again before the next request asks for one, on average. */
export function poolIsLargeEnough(
  cost: MeasuredCost,
  { perSecond, pool }: Pick<Instances, "perSecond" | "pool">,
): boolean {
  return perSecond * connectionSeconds(cost) < pool;
}

type Instances = { perSecond: number; pool: number; count?: number; inTurns?: boolean };

/** Latency of instances, each on a core of its own, that get so many requests a second each. */
export function latencyOf(
  cost: MeasuredCost,
  { perSecond, pool, count = 1, inTurns = false }: Instances,
): Figures {
  const all = perSecond * count;
  const cores = Math.max(1, Math.ceil((all * cost.database) / VALUES.databaseUtilisation));
  const own = Array.from({ length: count }, (_, index) => index);
  const layout = {
    machines: [...own.map(() => 1), cores],
    instances: own,
    database: { machine: count, pool },
  };
  const balancer = inTurns ? "in turns" : "at random";
  return modelled(cost, { layout, perSecond: all, balancer, requests: REQUESTS });
}

function monthly(perSecond: number, { hours }: Values): number {
  return perSecond * 3600 * hours;
}

function gigabytes(perSecond: number, bytes: number, values: Values): number {
  return (monthly(perSecond, values) * bytes) / 1e9;
}
