import { describe, expect, test } from "bun:test";
import { median } from "./statistics.ts";

describe("the median", () => {
  test("of an odd number of values is the one in the middle", () => {
    expect(median([10, 9, 100])).toBe(10);
  });

  test("of an even number of values is half-way between the middle two", () => {
    expect(median([4, 1, 2, 100])).toBe(3);
  });

  test("leaves its argument alone", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  test("of nothing is not a number", () => {
    expect(median([])).toBeNaN();
  });
});
