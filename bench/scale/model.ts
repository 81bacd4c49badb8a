import { median } from "../statistics.ts";
import { between, type Random, seeded } from "./random.ts";
import type { Figures, MeasuredCost } from "./results.ts";
import { type Cost, type Setup, simulate } from "./simulation.ts";

/**
 * A measured request as the simulation needs it. What a lone request takes beyond its CPU time passes without a core.
 * Lone requests differ: a read keeps its instance busy for a longer or shorter time, with the measured CPU time as the
 * mean (garbage is collected, caches are cold), and a write waits for the disk.
 */
export function costOf(measured: MeasuredCost, random: Random): Cost {
  const { instance, database, alone, waitsForDisk } = measured;
  const parts: Cost = waitsForDisk
    ? { instance: () => instance, rest: between(random, alone.map(minus(instance + database))) }
    : { instance: between(random, serviceTimes(measured)), rest: () => restOf(measured) };
  return database === 0 ? parts : { ...parts, database: () => database };
}

/** What a lone request takes in the middle, beyond its CPU time. */
export function restOf({ instance, database, alone }: MeasuredCost): number {
  return minus(instance + database)(median(alone));
}

/** For how long a request has a connection to PostgreSQL, on average, while no other one waits. */
export function connectionSeconds(measured: MeasuredCost): number {
  const { instance, database, alone, waitsForDisk } = measured;
  if (!waitsForDisk) return database + restOf(measured);
  return database + moments(alone.map(minus(instance + database))).mean;
}

/** How long requests keep their instance busy, sorted. */
function serviceTimes(measured: MeasuredCost): number[] {
  const { instance, database, alone, waitsForDisk } = measured;
  if (waitsForDisk) return [instance, instance];
  const times = alone.map(minus(restOf(measured) + database));
  const scale = instance / moments(times).mean;
  return times.map((seconds) => seconds * scale);
}

const minus = (seconds: number) => (from: number) => Math.max(0, from - seconds);

/** The variance of the time for which a request keeps its instance busy, divided by the square of its mean. */
export function variation(measured: MeasuredCost): number {
  const { mean, square } = moments(serviceTimes(measured));
  return square / mean ** 2 - 1;
}

/** The mean of values that are spread evenly between neighbours, as the simulation draws them, and of their squares. */
function moments(sorted: readonly number[]): { mean: number; square: number } {
  const steps = sorted.slice(1).map((high, index) => [sorted[index] ?? high, high] as const);
  const meanOf = (values: number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
  return {
    mean: meanOf(steps.map(([low, high]) => (low + high) / 2)),
    square: meanOf(steps.map(([low, high]) => (low * low + low * high + high * high) / 3)),
  };
}

/** The place of instances and of PostgreSQL: each one the number of a machine. */
export type Layout = Pick<Setup, "machines" | "instances" | "database">;

/** For how many seconds a request keeps the busiest core, or the busiest pool, if instances take turns. */
export function busiest(measured: MeasuredCost, { machines, instances, database }: Layout): number {
  const connections = (database?.pool ?? 0) * instances.length;
  const seconds = machines.map((cores, machine) => {
    const share = instances.filter((each) => each === machine).length / instances.length;
    const queries = database?.machine === machine ? measured.database : 0;
    return (share * measured.instance + queries) / cores;
  });
  const inUse = connections === 0 ? 0 : connectionSeconds(measured) / connections;
  return Math.max(inUse, ...seconds);
}

type Run = {
  layout: Layout;
  perSecond: number;
  balancer?: Setup["balancer"];
  requests?: number;
};

const REQUESTS = 100_000;

/** What the simulation says of a load. */
export function modelled(measured: MeasuredCost, run: Run): Figures {
  const { layout, perSecond, balancer = "in turns", requests = REQUESTS } = run;
  const random = seeded(1);
  const cost = costOf(measured, random);
  const { p50, p99 } = simulate({ random, requests, perSecond, balancer, cost, ...layout });
  return { p50: p50 * 1000, p99: p99 * 1000, cpu: measured.instance * 1e6 };
}
