import { expect, test } from "bun:test";
import { memoryBudget, memoryLeft } from "./memory.ts";

const MIB = 1024 * 1024;

test.each([
  [80, 40],
  [-3, 4],
  [10_000, 256],
  [undefined, 256],
])("of %p MiB that are left, requests and answers may hold %p", (left, budget) => {
  expect(memoryBudget(left && left * MIB)).toBe(budget * MIB);
});

test("this process has some memory left", () => {
  expect(memoryLeft()).toBeGreaterThan(0);
});
