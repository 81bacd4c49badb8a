import { expect, test } from "bun:test";
import { layoutOf, percentiles } from "./measure.ts";
import { modelled } from "./model.ts";
import { costOfLoad } from "./projected.ts";
import results from "./results.json" with { type: "json" };

test("what is kept of latencies is in seconds, without the slowest hundredth", () => {
  const milliseconds = Array.from({ length: 1000 }, (_, place) => 1000 - place);
  const kept = percentiles(milliseconds);
  expect(kept).toHaveLength(100);
  expect([kept[0], kept[50], kept[99]]).toEqual([0.001, 0.501, 0.991]);
});

test("the simulation still says what the saved results have (else run `npm run bench:scale`)", () => {
  for (const { id, instances, perSecond, modelled: saved } of results.checks.slice(-2)) {
    const cost = costOfLoad(results.costs, id);
    const found = modelled(cost, { layout: layoutOf(instances, cost.database > 0), perSecond });
    expect(found.p50 / saved.p50).toBeCloseTo(1, 3);
    expect(found.p99 / saved.p99).toBeCloseTo(1, 3);
  }
});
