import { expect, test } from "bun:test";
import { millisecondsOf } from "./run.ts";

test("the engine's times are read to the nanosecond", () => {
  const second = Date.UTC(2026, 10, 20, 10, 0, 7);
  expect(millisecondsOf("2026-11-20T10:00:07Z")).toBe(second);
  expect(millisecondsOf("2026-11-20T10:00:07.5Z")).toBe(second + 500);
  expect(millisecondsOf("2026-11-20T10:00:07.000250000Z")).toBe(second + 0.25);
  expect(millisecondsOf("not a time")).toBeNaN();
});
