import { expect, test } from "bun:test";
import { continueTrace } from "./trace-context.ts";
import { traceparentOf } from "./tracing.ts";

const SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test("a statement's traceparent names the current step, if there is one", () => {
  let trace: ReturnType<typeof continueTrace> | undefined;
  const traceparent = traceparentOf({ run: (_trace, work) => work(), current: () => trace });
  expect(traceparent?.()).toBeUndefined();
  trace = continueTrace(SAMPLED, undefined);
  expect(traceparent?.()).toBe(`00-0af7651916cd43dd8448eb211c80319c-${trace.spanId}-01`);
  expect(traceparentOf(undefined)).toBeUndefined();
});
