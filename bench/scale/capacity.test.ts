import { expect, test } from "bun:test";
import {
  dollarsOnWorkers,
  dollarsWithCdn,
  latencyCurve,
  latencyOf,
  mostOfPrimary,
  planFor,
  poolIsLargeEnough,
  totalOf,
  VALUES,
} from "./capacity.ts";
import { projectedOf } from "./projected.ts";
import { SAMPLE } from "./results.sample.ts";

const PROJECTED = projectedOf(SAMPLE);
/** Every price is a dollar, and a month has a thousand hours. */
const PLAIN = {
  ...VALUES,
  ...{ hours: 1000, coreHour: 1, gib: 0, databaseCoreHour: 1, gigabyte: 1, cdnGigabyte: 1 },
  ...{ cdnMillion: 1, workersMillion: 1, workersMs: 0, d1MillionRows: 0 },
};

test("a load needs as many instances and cores as it keeps busy, and two at least", () => {
  expect(planFor(PROJECTED, 100)).toMatchObject({ instances: 2, databaseCores: 1, fits: true });
  const large = planFor(PROJECTED, 1e6);
  expect(large.instances).toBeWithin(133, 136);
  expect(large).toMatchObject({ databaseCores: 67, fits: false, pool: 2 });
});

test("a month costs what instances, PostgreSQL twice, and traffic do", () => {
  const { dollars } = planFor(PROJECTED, 1000, PLAIN);
  expect(dollars).toEqual({ instances: 2000, database: 2000, traffic: 3600 });
  expect(totalOf(planFor(PROJECTED, 1000, PLAIN))).toBe(7600);
});

test("with a CDN, every request is paid to it, and only those that it lacks need instances", () => {
  // 360,000 million requests and 360,000 GB; of 10,000 requests a second, two instances are left.
  const month = { requests: 360_000, traffic: 360_000, instances: 2000, database: 2000 };
  const sum = Object.values(month).reduce((all, each) => all + each, 0);
  expect(dollarsWithCdn(PROJECTED, 100_000, PLAIN)).toBeCloseTo(sum);
  expect(dollarsOnWorkers(1000, PLAIN)).toBe(3600);
});

test("one PostgreSQL ends where its cores do", () => {
  expect(mostOfPrimary(PROJECTED.cost)).toBeCloseTo((64 * 0.6) / 0.00004);
});

test("latency grows with utilisation, and with a pool that is too small", () => {
  const curve = latencyCurve(PROJECTED.cost);
  const p50 = curve.map(({ figures }) => figures.p50);
  expect(p50).toEqual(p50.toSorted((a, b) => a - b));
  const load = { perSecond: 6000 };
  const [small, large] = [1, 10].map((pool) => latencyOf(PROJECTED.cost, { ...load, pool }).p50);
  expect(small).toBeGreaterThan(1.2 * (large ?? 0));
});

test("a pool has to be larger than the connections that are in use", () => {
  // 120 µs for each request.
  const load = { perSecond: 10_000 };
  expect(poolIsLargeEnough(PROJECTED.cost, { ...load, pool: 1 })).toBe(false);
  expect(poolIsLargeEnough(PROJECTED.cost, { ...load, pool: 2 })).toBe(true);
});

test("nothing is projected from results of only some loads", () => {
  expect(() => projectedOf({ ...SAMPLE, costs: [] })).toThrow("no book-postgres");
  expect(() => projectedOf({ ...SAMPLE, savings: [] })).toThrow("that is unchanged");
});
