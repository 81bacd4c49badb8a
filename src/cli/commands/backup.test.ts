import { expect, test } from "bun:test";
import { parseDuration } from "./backup.ts";

test.each([
  ["1s", 1000],
  ["90s", 90_000],
  ["15m", 900_000],
  ["24h", 86_400_000],
  ["366d", 31_622_400_000],
])("%s is %d ms", (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each(["", "0s", "24", "h", "1.5h", "-1h", "1h30m", "1 h", "1H", "1w", "367d", "9999999999s"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);
