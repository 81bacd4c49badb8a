import { expect, test } from "bun:test";
import { eventually } from "../../../test/service.ts";
import { watchEventLoopLag } from "./event-loop-lag.ts";

test("a turn that takes long is seen as lag, and the watch goes on", async () => {
  const lags: number[] = [];
  watchEventLoopLag((seconds) => lags.push(seconds));
  const busyUntil = performance.now() + 400;
  while (performance.now() < busyUntil);
  await eventually("two samples", () => lags.length >= 2 || undefined);
  expect(lags[0]).toBeGreaterThan(0.2);
  for (const lag of lags) expect(lag).toBeGreaterThanOrEqual(0);
});
