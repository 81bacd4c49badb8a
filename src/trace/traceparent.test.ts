import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatTraceparent, parseTraceparent } from "./traceparent.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

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

test("what is written is read as the same", () => {
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
