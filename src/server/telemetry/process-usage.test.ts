import { expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { eventually } from "../../../test/service.ts";
import { maxFds, openFds, virtualBytes, watchEventLoopLag } from "./process-usage.ts";

test("an open file is one more descriptor", () => {
  const before = openFds() ?? 0;
  const file = openSync(import.meta.path, "r");
  expect(openFds()).toBe(before + 1);
  closeSync(file);
  expect(openFds()).toBe(before);
});

test("what the system does not report is undefined, not 0", () => {
  for (const read of [virtualBytes, openFds, maxFds]) {
    expect(read("/no/such/directory")).toBeUndefined();
    expect(read()).toBeGreaterThan(0);
  }
});

test("a slow turn of the event loop is reported as lag, and later turns too", async () => {
  const lags: number[] = [];
  watchEventLoopLag((seconds) => lags.push(seconds));
  const busyUntil = performance.now() + 400;
  while (performance.now() < busyUntil);
  await eventually("two samples", () => lags.length >= 2 || undefined);
  expect(lags[0]).toBeGreaterThan(0.2);
  for (const lag of lags) expect(lag).toBeGreaterThanOrEqual(0);
});
