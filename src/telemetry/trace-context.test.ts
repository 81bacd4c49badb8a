import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { childOf, continueTrace, formatTraceparent, parseTraceparent } from "./trace-context.ts";

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

test("a sampler receives the trace id and the caller's decision", () => {
  const received: unknown[] = [];
  const sampler = (...args: unknown[]) => {
    received.push(args);
    return true;
  };
  const begun = continueTrace(undefined, undefined, sampler);
  const taken = continueTrace(`00-${TRACE}-${PARENT}-00`, undefined, sampler);
  expect([begun.sampled, taken.sampled]).toEqual([true, true]);
  expect(received).toEqual([
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

const hex = (length: number) =>
  fc
    .string({
      unit: fc.constantFrom(..."0123456789abcdef"),
      minLength: length,
      maxLength: length,
    })
    .filter((digits) => /[^0]/.test(digits));

describe("is taken", () => {
  const rows: [what: string, header: string, flags: { sampled: boolean; random: boolean }][] = [
    ["not sampled", `00-${TRACE}-${PARENT}-00`, { sampled: false, random: false }],
    ["sampled", `00-${TRACE}-${PARENT}-01`, { sampled: true, random: false }],
    ["of random ids (level 2)", `00-${TRACE}-${PARENT}-02`, { sampled: false, random: true }],
    ["both", `00-${TRACE}-${PARENT}-03`, { sampled: true, random: true }],
    ["flags of the future", `00-${TRACE}-${PARENT}-ff`, { sampled: true, random: true }],
    ["flags of the future alone", `00-${TRACE}-${PARENT}-fc`, { sampled: false, random: false }],
    ["a version of the future", `cc-${TRACE}-${PARENT}-01`, { sampled: true, random: false }],
    [
      "with more in it",
      `cc-${TRACE}-${PARENT}-01-what-it-will-be`,
      { sampled: true, random: false },
    ],
    ["with an empty field more", `fe-${TRACE}-${PARENT}-01-`, { sampled: true, random: false }],
  ];
  for (const [what, header, flags] of rows) {
    test(what, () => {
      expect(parseTraceparent(header)).toEqual({ traceId: TRACE, parentSpanId: PARENT, ...flags });
    });
  }
});

describe("is as good as none", () => {
  const rows: [what: string, header: string][] = [
    ["empty", ""],
    ["the forbidden version", `ff-${TRACE}-${PARENT}-01`],
    ["a trace id of zeros", `00-${"0".repeat(32)}-${PARENT}-01`],
    ["a parent id of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["more than version 00 has", `00-${TRACE}-${PARENT}-01-more`],
    ["a dash more", `00-${TRACE}-${PARENT}-01-`],
    ["a future version without a dash", `cc-${TRACE}-${PARENT}-01.what`],
    ["upper case", `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ["a version in upper case", `0A-${TRACE}-${PARENT}-01`],
    ["a short trace id", `00-${TRACE.slice(1)}-${PARENT}-01`],
    ["a long trace id", `00-${TRACE}0-${PARENT}-01`],
    ["a short parent id", `00-${TRACE}-${PARENT.slice(1)}-01`],
    ["short flags", `00-${TRACE}-${PARENT}-1`],
    ["no flags", `00-${TRACE}-${PARENT}`],
    ["no hexadecimal digits", `00-${TRACE.replace("0", "g")}-${PARENT}-01`],
    ["space around it", ` 00-${TRACE}-${PARENT}-01 `],
    ["two of them", `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
    ["other separators", `00_${TRACE}_${PARENT}_01`],
  ];
  for (const [what, header] of rows) {
    test(what, () => {
      expect(parseTraceparent(header)).toBeUndefined();
    });
  }

  test("any other text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (header) => {
        expect(parseTraceparent(header)).toBeUndefined();
      }),
    );
  });
});

test("a header that is written is read as the same", () => {
  fc.assert(
    fc.property(
      hex(32),
      hex(16),
      fc.boolean(),
      fc.boolean(),
      (traceId, spanId, sampled, random) => {
        const header = formatTraceparent({ traceId, spanId, sampled, random });
        expect(parseTraceparent(header)).toEqual({
          ...{ traceId, parentSpanId: spanId, sampled, random },
        });
      },
    ),
  );
});
