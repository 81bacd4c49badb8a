import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { z } from "zod";
import {
  boolean,
  choice,
  type Field,
  INSTANT_MAX,
  INSTANT_MIN,
  instant,
  integer,
  number,
  text,
} from "./field.ts";

/** The value after validation, or the messages of its refusal. */
function parsed(schema: z.ZodType, value: unknown): unknown {
  const { success, data, error } = schema.safeParse(value);
  return success ? { value: data } : error?.issues.map(({ message }) => message);
}

/** The messages that a kind has for values in JSON, and for query parameters. */
type Table = readonly (readonly [what: string, value: unknown, expected: unknown])[];

const took = (value: unknown) => ({ value });

function describeKind(name: string, field: Field, cases: { json: Table; parameter: Table }): void {
  describe(name, () => {
    for (const [what, value, expected] of cases.json) {
      test(`in JSON: ${what}`, () => {
        expect(parsed(field.schema("The field"), value)).toEqual(expected);
      });
    }
    for (const [what, value, expected] of cases.parameter) {
      test(`as a parameter: ${what}`, () => {
        expect(parsed(field.parameter("The field"), value)).toEqual(expected);
      });
    }
    test("is no null: that is what an optional field may have besides", () => {
      expect(parsed(field.schema("The field"), null)).toBeArrayOfSize(1);
    });
    test("is as it is when it is validated again", () => {
      for (const [, value] of cases.json) {
        const { success, data } = field.schema("The field").safeParse(value);
        if (success) expect(parsed(field.schema("The field"), data)).toEqual(took(data));
      }
    });
    test("is read from both databases as it was written", () => {
      for (const [, value] of cases.json) {
        const { success, data } = field.schema("The field").safeParse(value);
        if (!success) continue;
        expect(field.sqlite.read(field.sqlite.write(data as never))).toBe(data);
        const stored = field.postgres.write(data as never);
        // The driver returns a Date for a timestamptz.
        const isTime = field.postgres.type.startsWith("timestamptz");
        expect(field.postgres.read(isTime ? new Date(String(stored)) : stored)).toBe(data);
      }
    });
  });
}

const EMPTY = ["The field is empty"];
const TOO_LONG = ["The field is longer than 255 characters"];
const CONTROL = ["The field has control characters"];
const INVISIBLE = ["The field has no visible characters"];
const SEPARATORS = ["The field has line or paragraph separators (U+2028, U+2029)"];
const OVERRIDES = ["The field has overrides of direction (U+202D, U+202E)"];
const NONCHARACTERS = ["The field has noncharacters, such as U+FFFE"];
const UNICODE = ["The field is not valid Unicode"];
const expectedString = (received: string) => [
  `Invalid input: expected string, received ${received}`,
];

const TEXTS: Table = [
  ["255 letters", "a".repeat(255), took("a".repeat(255))],
  [
    "255 characters outside the basic plane",
    "\u{1f600}".repeat(255),
    took("\u{1f600}".repeat(255)),
  ],
  ["255 letters between spaces", `  ${"a".repeat(255)}\n`, took("a".repeat(255))],
  [
    "what looks like SQL and HTML",
    `'; DROP TABLE books; -- <script>"%_\\`,
    took(`'; DROP TABLE books; -- <script>"%_\\`),
  ],
  ["a zero-width joiner inside", "\u{1f468}\u200d\u{1f469}", took("\u{1f468}\u200d\u{1f469}")],
  [
    "a flag of tags",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}",
    took("\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}"),
  ],
  ["a heart with its variation selector", "\u2764\ufe0f", took("\u2764\ufe0f")],
  ["Persian with its joiner", "\u0645\u06cc\u200c\u062e", took("\u0645\u06cc\u200c\u062e")],
  [
    "marks and isolates of direction",
    "\u2068\u05d0\u2069\u200f a",
    took("\u2068\u05d0\u2069\u200f a"),
  ],
  ["a soft hyphen and a byte order mark inside", "a\u00adb\ufeffc", took("a\u00adb\ufeffc")],
  ["a private character", "\ue000", took("\ue000")],
  ["an accent by itself", "Cafe\u0301", took("Caf\u00e9")],
  ["255 letters with accents", "e\u0301".repeat(255), took("\u00e9".repeat(255))],
  ["an Angstrom sign", "\u212b", took("\u00c5")],
  ["a letter that NFC takes apart", "\u0958", took("\u0915\u093c")],
  ...[
    ..."\u200b\u2060\u00ad\u180e\u2800\u115f\u1160\u3164\uffa0\u034f\u200d\ufe0f\u{e0001}\u{1d159}",
  ].map((letter): Table[number] => [
    `only U+${letter.codePointAt(0)?.toString(16)}`,
    `${letter} ${letter}`,
    INVISIBLE,
  ]),
  ["a line separator inside", "a\u2028b", SEPARATORS],
  ["a paragraph separator inside", "a\u2029b", SEPARATORS],
  ["an override of direction", "a\u202eb", OVERRIDES],
  ["an override from left to right", "\u202da", OVERRIDES],
  ["U+FFFE", "a\ufffe", NONCHARACTERS],
  ["U+FFFF", "a\uffff", NONCHARACTERS],
  ["U+FDD0", "\ufdd0", NONCHARACTERS],
  ["the last code point", "a\u{10ffff}", NONCHARACTERS],
  ["nothing", "", EMPTY],
  ["white space", " \t\n\u00a0\u3000\ufeff ", EMPTY],
  ["256 letters", "a".repeat(256), TOO_LONG],
  ["256 emoji", "\u{1f600}".repeat(256), TOO_LONG],
  ["a line break inside", "a\nb", CONTROL],
  ["NUL", "a\0b", CONTROL],
  ["DEL", "a\u007fb", CONTROL],
  ["a C1 control", "a\u0085b", CONTROL],
  ["a high surrogate alone", "a\ud83d", UNICODE],
  ["a low surrogate alone", "\ude00a", UNICODE],
  ["surrogates in the wrong order", "\ude00\ud83d", UNICODE],
];

describeKind("text", text({ max: 255 }), {
  json: [
    ...TEXTS,
    ["a number", 5, expectedString("number")],
    ["null", null, expectedString("null")],
    ["a list", ["a"], expectedString("array")],
  ],
  parameter: TEXTS,
});

/** Texts of every kind: any code points, lone surrogates, white space, control characters, long ones. */
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme", minLength: 120, maxLength: 300 }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc
    .array(
      fc.constantFrom(
        " ",
        "\t",
        "\n",
        "\u00a0",
        "\u2003",
        "\ufeff",
        "\u0000",
        "\u0085",
        "\u200b",
        "\u2028",
        "a",
      ),
    )
    .map((parts) => parts.join("")),
  fc
    .tuple(
      fc.constantFrom("a", "\u00e9", "\u{1f600}", "\ud800"),
      fc.integer({ min: 250, max: 260 }),
    )
    .map(([unit, count]) => unit.repeat(count)),
);

/** What the schema promises, said again with loops. */
function isLine(line: string): boolean {
  let codePoints = 0;
  let isVisible = false;
  for (const character of line.trim().normalize("NFC")) {
    const codePoint = character.codePointAt(0) ?? 0;
    if (codePoint <= 0x1f || (codePoint >= 0x7f && codePoint <= 0x9f)) return false;
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) return false;
    if ([0x2028, 0x2029, 0x202d, 0x202e].includes(codePoint)) return false;
    if ((codePoint & 0xfffe) === 0xfffe || (codePoint >= 0xfdd0 && codePoint <= 0xfdef))
      return false;
    codePoints += 1;
    isVisible ||= !/[\s\p{DI}\u2800\ufff9-\ufffb\u{13441}\u{13442}\u{16fe4}\u{1d159}]/u.test(
      character,
    );
  }
  return isVisible && codePoints <= 255;
}

describe("any text", () => {
  const schema = text({ max: 255 }).schema("The field");

  test("is a line of 1 to 255 code points that can be seen, and is trimmed and composed", () => {
    fc.assert(
      fc.property(anyText, (line) => {
        const { success, data } = schema.safeParse(line);
        expect({ line, success }).toEqual({ line, success: isLine(line) });
        if (success) expect(data).toBe(line.trim().normalize("NFC"));
      }),
      { numRuns: 1000 },
    );
  });

  test("stays as it is when it is trimmed already", () => {
    fc.assert(
      fc.property(anyText.filter(isLine), (line) => {
        const once = schema.parse(line);
        expect(schema.parse(once)).toBe(once);
      }),
    );
  });
});

const expectedNumber = (received: string) => [
  `Invalid input: expected number, received ${received}`,
];
const WHOLE = ["Expected a whole number"];

describeKind("integer", integer({ min: -4000, max: 9999 }), {
  json: [
    ["the smallest", -4000, took(-4000)],
    ["the largest", 9999, took(9999)],
    ["0", 0, took(0)],
    ["-0, which is 0", -0, took(0)],
    ["one below the smallest", -4001, ["Too small: expected number to be >=-4000"]],
    ["one above the largest", 10_000, ["Too big: expected number to be <=9999"]],
    ["a fraction", 1.5, ["Invalid input: expected int, received number"]],
    ["NaN", Number.NaN, expectedNumber("NaN")],
    ["infinity", Number.POSITIVE_INFINITY, expectedNumber("Infinity")],
    ["a text", "1815", expectedNumber("string")],
    ["a boolean", true, expectedNumber("boolean")],
  ],
  parameter: [
    ["digits", "1815", took(1815)],
    ["a sign", "-1", took(-1)],
    ["-0, which is 0", "-0", took(0)],
    ["leading zeros", "007", took(7)],
    ["one above the largest", "10000", ["Too big: expected number to be <=9999"]],
    ["a plus", "+1", WHOLE],
    ["a fraction", "1.0", WHOLE],
    ["an exponent", "1e1", WHOLE],
    ["a space", " 1", WHOLE],
    ["nothing", "", WHOLE],
    ["17 digits", "9".repeat(17), WHOLE],
    ["hexadecimal digits", "0x1", WHOLE],
    ["digits of another script", "\uff11", WHOLE],
  ],
});

describeKind("integer without bounds", integer({}), {
  json: [
    ["the largest that is exact", 2 ** 53 - 1, took(2 ** 53 - 1)],
    ["the smallest that is exact", -(2 ** 53) + 1, took(-(2 ** 53) + 1)],
    ["one that is not exact", 2 ** 53, expect.arrayContaining([expect.stringMatching(/^Too big/)])],
  ],
  parameter: [
    ["16 digits", "9007199254740991", took(2 ** 53 - 1)],
    [
      "one that is not exact",
      "9007199254740993",
      expect.arrayContaining([expect.stringMatching(/^Too big/)]),
    ],
  ],
});

test("an integer is any whole number in its bounds, and nothing else that JSON has", () => {
  const schema = integer({ min: -4000, max: 9999 }).schema("The field");
  const numbers = fc.oneof(
    fc.integer(),
    fc.integer({ min: -4100, max: 10_100 }),
    fc.double(),
    fc.constantFrom(-4001, -4000, -1, -0, 0, 9999, 10_000, 1e21, Number.NaN),
  );
  fc.assert(
    fc.property(numbers, (year) => {
      const promised = Number.isInteger(year) && year >= -4000 && year <= 9999;
      const { success } = schema.safeParse(year);
      expect({ year, success }).toEqual({ year, success: promised });
    }),
    { numRuns: 1000 },
  );
  const others = fc.jsonValue().filter((value) => typeof value !== "number");
  fc.assert(fc.property(others, (value) => !schema.safeParse(value).success));
});

const NUMERAL = ["Expected a number"];

describeKind("number", number({}), {
  json: [
    ["the largest", Number.MAX_VALUE, took(Number.MAX_VALUE)],
    ["the smallest", -Number.MAX_VALUE, took(-Number.MAX_VALUE)],
    ["the one next to 0", 5e-324, took(5e-324)],
    ["17 digits", 0.1 + 0.2, took(0.30000000000000004)],
    ["-0, which is 0", -0, took(0)],
    ["NaN", Number.NaN, expectedNumber("NaN")],
    ["infinity", Number.POSITIVE_INFINITY, expectedNumber("Infinity")],
    ["a text", "1.5", expectedNumber("string")],
  ],
  parameter: [
    ["a fraction", "-1.5", took(-1.5)],
    ["an exponent", "1.5e3", took(1500)],
    ["an exponent with a sign", "5E-324", took(5e-324)],
    ["-0, which is 0", "-0.0", took(0)],
    ["more than the largest", "1e400", expectedNumber("Infinity")],
    ["no digit before the point", ".5", NUMERAL],
    ["no digit after the point", "5.", NUMERAL],
    ["an exponent of four digits", "1e1000", NUMERAL],
    ["hexadecimal digits", "0x1", NUMERAL],
    ["a word", "Infinity", NUMERAL],
    ["another word", "NaN", NUMERAL],
    ["a space", " 1", NUMERAL],
    ["nothing", "", NUMERAL],
  ],
});

describeKind("number in bounds", number({ min: -0.5, max: 100 }), {
  json: [
    ["the smallest", -0.5, took(-0.5)],
    ["the largest", 100, took(100)],
    ["below the smallest", -0.5000000000000001, ["Too small: expected number to be >=-0.5"]],
    ["above the largest", 100.00000000000001, ["Too big: expected number to be <=100"]],
  ],
  parameter: [["above the largest", "101", ["Too big: expected number to be <=100"]]],
});

const expectedBoolean = (received: string) => [
  `Invalid input: expected boolean, received ${received}`,
];
const TRUE_OR_FALSE = ['Invalid option: expected one of "true"|"false"'];

describeKind("boolean", boolean({}), {
  json: [
    ["true", true, took(true)],
    ["false", false, took(false)],
    ["a text", "true", expectedBoolean("string")],
    ["1", 1, expectedBoolean("number")],
    ["0", 0, expectedBoolean("number")],
  ],
  parameter: [
    ["true", "true", took(true)],
    ["false", "false", took(false)],
    ["capitals", "TRUE", TRUE_OR_FALSE],
    ["1", "1", TRUE_OR_FALSE],
    ["nothing", "", TRUE_OR_FALSE],
  ],
});

const NO_TIME = ["Invalid ISO datetime"];
const OUT_OF_RANGE = [`is not from ${INSTANT_MIN} to ${INSTANT_MAX}`];

const INSTANTS: Table = [
  ["UTC", "2026-01-01T00:00:00Z", took("2026-01-01T00:00:00.000Z")],
  ["another zone", "2026-01-01T00:00:00+02:00", took("2025-12-31T22:00:00.000Z")],
  ["an unknown zone", "2026-01-01T00:00:00-00:00", took("2026-01-01T00:00:00.000Z")],
  ["parts of a millisecond", "2026-01-01T00:00:00.1239999Z", took("2026-01-01T00:00:00.123Z")],
  ["a leap day", "2024-02-29T12:00:00Z", took("2024-02-29T12:00:00.000Z")],
  ["the first", "0001-01-01T00:00:00Z", took(INSTANT_MIN)],
  ["the first, of another zone", "0001-01-01T05:30:00+05:30", took(INSTANT_MIN)],
  ["the last", "9999-12-31T23:59:59.999Z", took(INSTANT_MAX)],
  ["before 1970", "1969-12-31T23:59:59.999Z", took("1969-12-31T23:59:59.999Z")],
  ["before the first", "0000-12-31T23:59:59.999Z", OUT_OF_RANGE],
  ["before the first by its zone", "0001-01-01T00:00:00+00:01", OUT_OF_RANGE],
  ["after the last by its zone", "9999-12-31T23:59:59-00:01", OUT_OF_RANGE],
  ["no zone", "2026-01-01T00:00:00", NO_TIME],
  ["no time", "2026-01-01", NO_TIME],
  ["no seconds", "2026-01-01T00:00Z", NO_TIME],
  ["a day that does not exist", "2026-02-30T00:00:00Z", NO_TIME],
  ["the hour 24", "2026-01-01T24:00:00Z", NO_TIME],
  ["a leap second", "2016-12-31T23:59:60Z", NO_TIME],
  ["a zone that does not exist", "2026-01-01T00:00:00+24:00", NO_TIME],
  ["a year of five digits", "10000-01-01T00:00:00Z", NO_TIME],
  ["words", "tomorrow", NO_TIME],
  ["nothing", "", NO_TIME],
];

describeKind("instant", instant({}), {
  json: [...INSTANTS, ["a number", 1_767_225_600_000, expectedString("number")]],
  parameter: INSTANTS,
});

const M_OR_KG = ['Invalid option: expected one of "m"|"kg"'];
const CHOICES: Table = [
  ["one", "m", took("m")],
  ["the other", "kg", took("kg")],
  ["another", "s", M_OR_KG],
  ["capitals", "KG", M_OR_KG],
  ["nothing", "", M_OR_KG],
];

describeKind("choice", choice(["m", "kg"], {}), {
  json: [...CHOICES, ["a number", 1, M_OR_KG]],
  parameter: CHOICES,
});

test("a time that PostgreSQL's driver did not read is a defect", () => {
  expect(() => instant({}).postgres.read("2026-01-01")).toThrow(TypeError);
});

test("an integer has the smallest column that its bounds fit in", () => {
  const typeOf = (bounds: { min?: number; max?: number }) => integer(bounds).postgres.type;
  expect(typeOf({ min: -(2 ** 31), max: 2 ** 31 - 1 })).toBe("integer");
  expect(typeOf({ min: -(2 ** 31) - 1, max: 0 })).toBe("bigint");
  expect(typeOf({ min: 0, max: 2 ** 31 })).toBe("bigint");
  expect(typeOf({ min: 0 })).toBe("bigint");
});

test("the OpenAPI document shows the bounds and the example of a field", () => {
  const json = (field: Field) => z.toJSONSchema(field.schema("The field"), { io: "input" });
  expect(json(text({ max: 9, example: "x" }))).toMatchObject({
    ...{ type: "string", minLength: 1, maxLength: 9, examples: ["x"] },
  });
  expect(json(integer({ min: 1, max: 5, example: 2 }))).toMatchObject({
    ...{ type: "integer", minimum: 1, maximum: 5, examples: [2] },
  });
  expect(json(number({ min: -1.5, example: 0 }))).toMatchObject({
    ...{ type: "number", minimum: -1.5, examples: [0] },
  });
  expect(json(boolean({ example: false }))).toMatchObject({ type: "boolean", examples: [false] });
  expect(json(instant({ example: INSTANT_MIN }))).toMatchObject({
    ...{ type: "string", format: "date-time", examples: [INSTANT_MIN] },
  });
  expect(json(choice(["m", "kg"], { example: "kg" }))).toMatchObject({
    ...{ enum: ["m", "kg"], examples: ["kg"] },
  });
});

test("a field is optional where it says so", () => {
  expect(text({ max: 1 }).optional).toBe(false);
  expect(text({ max: 1, optional: true }).optional).toBe(true);
  for (const field of [
    ...[integer({ optional: true }), number({ optional: true }), boolean({ optional: true })],
    ...[instant({ optional: true }), choice(["a"], { optional: true })],
  ]) {
    expect(field.optional).toBe(true);
  }
});
