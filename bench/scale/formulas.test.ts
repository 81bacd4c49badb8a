import { expect, test } from "bun:test";
import { connectionsOf, largestPool, meanWait, meanWaitOfCores } from "./formulas.ts";

test("equal service times wait half as long as exponential ones", () => {
  expect(meanWait({ utilisation: 0.5, service: 2 }, 1)).toBe(2);
  expect(meanWait({ utilisation: 0.5, service: 2 }, 0)).toBe(1);
});

test("one core of several is the single one, and four wait less", () => {
  const queue = { utilisation: 0.8, service: 1 };
  expect(meanWaitOfCores(queue, 1)).toBeCloseTo(meanWait(queue, 1));
  // Erlang C of 4 cores and 3.2 erlangs is 0.5964.
  expect(meanWaitOfCores(queue, 4)).toBeCloseTo(0.5964 / 0.8, 3);
});

test("pools of all instances, of those that an update starts, and of jobs fit together", () => {
  expect(connectionsOf({ replicas: 8, surge: 1, pool: 10, jobs: 2 })).toBe(101);
  expect(largestPool({ replicas: 8, surge: 1, jobs: 2 }, 100)).toBe(9);
  expect(largestPool({ replicas: 8, surge: 1, jobs: 17 }, 100)).toBe(7);
  expect(largestPool({ replicas: 200, surge: 1, jobs: 2 }, 100)).toBe(0);
});
