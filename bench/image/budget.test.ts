import { describe, expect, test } from "bun:test";
import { BUDGETS } from "../../scripts/image/budget.ts";
import { TARGETS } from "../../scripts/release/tags.ts";
import benchmark from "./results.json" with { type: "json" };

describe("the budgets", () => {
  for (const target of TARGETS) {
    test(`leave ${target} as last measured less than a twentieth`, () => {
      const measured = benchmark.results.find(({ name }) => name === target);
      for (const [bytes = 0, budget] of [
        [measured?.uncompressed, BUDGETS[target].image],
        [measured?.contents.zstd, BUDGETS[target].pull],
      ] as const) {
        expect(bytes).toBeLessThanOrEqual(budget);
        expect(bytes).toBeGreaterThan(budget * 0.95);
      }
    });
  }
});
