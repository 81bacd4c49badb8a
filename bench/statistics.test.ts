import { describe, expect, test } from "bun:test";
import { median, percentile, spreadOf } from "./statistics.ts";

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

describe("a percentile", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  test("is the value that this share of all does not exceed", () => {
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 0.999)).toBe(100);
    expect(percentile([7], 0.01)).toBe(7);
  });

  test("of nothing is not a number", () => {
    expect(percentile([], 0.5)).toBeNaN();
  });
});

test("a spread has the median and the two ends", () => {
  expect(spreadOf([3, 1, 2, 9])).toEqual({ median: 2.5, low: 1, high: 9 });
});
