import { afterEach, expect, setSystemTime, test } from "bun:test";
import { continueTrace } from "./trace-context.ts";
import { timeSpan, traceparentOf } from "./tracing.ts";

const SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

afterEach(() => void setSystemTime());

test("a span lasts as long as it took, whatever the clock is set to meanwhile", () => {
  const startedAt = Date.now();
  for (const change of [-3_600_000, 3_600_000]) {
    const timed = timeSpan();
    setSystemTime(new Date(Date.now() + change));
    const { startMs, durationMs } = timed();
    setSystemTime();
    expect(startMs).toBeWithin(startedAt - 10, startedAt + 60_000);
    expect(durationMs).toBeWithin(0, 60_000);
  }
});

test("a statement's traceparent names the current step, if there is one", () => {
  let trace: ReturnType<typeof continueTrace> | undefined;
  const traceparent = traceparentOf({ run: (_trace, work) => work(), current: () => trace });
  expect(traceparent?.()).toBeUndefined();
  trace = continueTrace(SAMPLED, undefined);
  expect(traceparent?.()).toBe(`00-0af7651916cd43dd8448eb211c80319c-${trace.spanId}-01`);
  expect(traceparentOf(undefined)).toBeUndefined();
});
