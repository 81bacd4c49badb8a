import { expect, test } from "bun:test";
import { busiest, costOf, modelled, variation } from "./model.ts";
import { seeded } from "./random.ts";
import { SAMPLE } from "./results.sample.ts";
import type { MeasuredCost } from "./results.ts";

const [, READ, WRITE] = SAMPLE.costs as [MeasuredCost, MeasuredCost, MeasuredCost];
const ALONE = { machines: [1, 1], instances: [0], database: { machine: 1, pool: 10 } };

/** The mean of many draws, in microseconds. */
function meanOf(draw: (() => number) | undefined): number {
  const draws = Array.from({ length: 10_000 }, () => draw?.() ?? Number.NaN);
  return (draws.reduce((sum, each) => sum + each, 0) / draws.length) * 1e6;
}

test("a lone read has its CPU time, what differs is the instance's, and the rest needs no core", () => {
  const { instance, database, rest } = costOf(READ, seeded(1));
  expect(meanOf(rest)).toBeCloseTo(80, 0);
  expect(meanOf(database)).toBeCloseTo(40, 0);
  expect(meanOf(instance)).toBeCloseTo(80, 0);
  // Even from 60 to 100 µs: a variance of 40² / 12.
  expect(variation(READ)).toBeCloseTo(40 ** 2 / 12 / 80 ** 2, 4);
});

test("the mean is the CPU time, also where some requests take ten times as long", () => {
  const alone = READ.alone.map((seconds, place) => (place > 95 ? seconds * 10 : seconds));
  const slow = { ...READ, alone };
  expect(meanOf(costOf(slow, seeded(1)).instance)).toBeWithin(76, 84);
  expect(variation(slow)).toBeGreaterThan(1);
});

test("what a lone write takes longer is the disk's", () => {
  const { instance, rest } = costOf(WRITE, seeded(1));
  expect(meanOf(instance)).toBeCloseTo(80, 6);
  expect(meanOf(rest)).toBeCloseTo(80, 0);
  expect(variation(WRITE)).toBeCloseTo(0, 9);
});

test("the busiest core is that of most instances, or the one with the database", () => {
  const microseconds = (instances: number[]) => busiest(WRITE, { ...ALONE, instances }) * 1e6;
  expect(microseconds([0])).toBeCloseTo(80);
  expect(microseconds([0, 1])).toBeCloseTo(80);
  expect(microseconds([1])).toBeCloseTo(120);
  // Or a connection, which the disk keeps in use: 40 µs on a core, and 80 µs of rest.
  expect(busiest(WRITE, { ...ALONE, database: { machine: 1, pool: 1 } }) * 1e6).toBeCloseTo(120);
  expect(busiest(WRITE, { machines: [4], instances: [0] }) * 1e6).toBeCloseTo(20);
});

test("a load that hardly waits takes as long as a lone request", () => {
  const { p50, cpu } = modelled(READ, { layout: ALONE, perSecond: 10, requests: 2000 });
  expect(p50).toBeCloseTo(0.2, 2);
  expect(cpu).toBeCloseTo(80);
});
