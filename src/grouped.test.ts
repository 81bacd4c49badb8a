import { expect, test } from "bun:test";
import { grouped } from "./grouped.ts";

test.each([
  [0, "0"],
  [999, "999"],
  [1000, "1,000"],
  [-123456, "-123,456"],
  [1234567, "1,234,567"],
])("%d is written as %s", (number, text) => {
  expect(grouped(number)).toBe(text);
});
