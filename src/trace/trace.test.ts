import { describe, expect, test } from "bun:test";
import { childOf, continueTrace } from "./trace.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const SAMPLED = `00-${TRACE}-${PARENT}-01`;

describe("a trace that a caller has begun", () => {
  test("goes on under a span id of its own", () => {
    const trace = continueTrace(SAMPLED, "rojo=1");
    expect(trace).toEqual({
      traceId: TRACE,
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      parentSpanId: PARENT,
      sampled: true,
      random: false,
      state: "rojo=1",
    });
    expect(trace.spanId).not.toBe(PARENT);
  });

  test("goes on without a state that is malformed", () => {
    expect(continueTrace(SAMPLED, "ROJO")).not.toHaveProperty("state");
  });
});

describe("a trace that begins here", () => {
  for (const [what, header] of [
    ["without a header", undefined],
    ["in the place of one that is malformed", "00-0-0-0"],
  ] as const) {
    test(what, () => {
      expect(continueTrace(header, "rojo=1")).toEqual({
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
        spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
        sampled: false,
        random: true,
      });
    });
  }

  test("has ids that nothing else has", () => {
    const traces = Array.from({ length: 2000 }, () => continueTrace(undefined, undefined));
    expect(new Set(traces.map(({ traceId }) => traceId)).size).toBe(2000);
    expect(new Set(traces.map(({ spanId }) => spanId)).size).toBe(2000);
  });
});

test("a sampler is told the trace and what its caller has decided", () => {
  const asked: unknown[] = [];
  const sampler = (...args: unknown[]) => {
    asked.push(args);
    return true;
  };
  const begun = continueTrace(undefined, undefined, sampler);
  const taken = continueTrace(`00-${TRACE}-${PARENT}-00`, undefined, sampler);
  expect([begun.sampled, taken.sampled]).toEqual([true, true]);
  expect(asked).toEqual([
    [begun.traceId, undefined],
    [TRACE, false],
  ]);
});

test("a step of a request is below it in the same trace", () => {
  const request = continueTrace(SAMPLED, "rojo=1");
  const step = childOf(request);
  expect(step).toEqual({ ...request, spanId: step.spanId, parentSpanId: request.spanId });
  expect(step.spanId).not.toBe(request.spanId);
});
