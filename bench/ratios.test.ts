import { expect, test } from "bun:test";
import committed from "./ratios.json" with { type: "json" };
import { drops } from "./ratios.ts";

test("a ratio may drop by a tenth, and rise", () => {
  expect(drops({ health: 0.5, process: 0.4 }, { health: 0.45, process: 0.9 })).toEqual([]);
});

test("a larger drop is named with both ratios", () => {
  expect(drops({ health: 0.5, process: 0.4 }, { health: 0.44, process: 0.4 })).toEqual([
    { id: "health", text: "health: 0.44 is 12 % below the committed 0.50" },
  ]);
});

test("a workload that was not measured is named", () => {
  expect(drops({ health: 0.5 }, {})).toEqual([{ id: "health", text: "health: not measured" }]);
});

test("every committed ratio is that of a workload", () => {
  expect(Object.keys(committed)).toEqual(["health", "process", "book", "books"]);
});
