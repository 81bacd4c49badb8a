import { expect, test } from "bun:test";
import { addDuration, DURATION_BOUNDS, noDurations } from "./metrics.ts";

test("a duration is counted in the first bucket whose bound it does not exceed", () => {
  const durations = noDurations();
  for (const seconds of [0, 0.0005, 0.00051, 0.003, 30, 31, 1000]) addDuration(durations, seconds);
  const counts = new Map(
    durations.counts.map((count, index) => [DURATION_BOUNDS[index] ?? Infinity, count]),
  );
  expect([...counts].filter(([, count]) => count > 0)).toEqual([
    [0.0005, 2],
    [0.001, 1],
    [0.005, 1],
    [30, 1],
    [Infinity, 2],
  ]);
  expect(durations.count).toBe(7);
  expect(durations.sum).toBeCloseTo(1061.00401, 8);
});

test("the bounds rise", () => {
  expect([...DURATION_BOUNDS]).toEqual(DURATION_BOUNDS.toSorted((a, b) => a - b));
});
