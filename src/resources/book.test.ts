import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  authorSchema,
  bookChangesSchema,
  bookInputSchema,
  SEED_BOOKS,
  titleSchema,
  yearSchema,
} from "./book.ts";

const lines = { title: titleSchema(), author: authorSchema() };

/** Texts of every kind: any code points, lone surrogates, white space, control characters, long ones. */
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme", minLength: 120, maxLength: 300 }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc
    .array(fc.constantFrom(" ", "\t", "\n", "\u00a0", "\u2003", "\ufeff", "\u0000", "\u0085", "a"))
    .map((parts) => parts.join("")),
  fc
    .tuple(
      fc.constantFrom("a", "\u00e9", "\u{1f600}", "\ud800"),
      fc.integer({ min: 250, max: 260 }),
    )
    .map(([unit, count]) => unit.repeat(count)),
);

/** What the schemas promise, said once more with loops. */
function isLine(text: string): boolean {
  let codePoints = 0;
  for (const character of text.trim()) {
    const codePoint = character.codePointAt(0) ?? 0;
    if (codePoint <= 0x1f || (codePoint >= 0x7f && codePoint <= 0x9f)) return false;
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) return false;
    codePoints += 1;
  }
  return codePoints >= 1 && codePoints <= 255;
}

for (const [name, schema] of Object.entries(lines)) {
  describe(name, () => {
    test("is any line of 1 to 255 code points, and is trimmed", () => {
      fc.assert(
        fc.property(anyText, (text) => {
          const { success, data } = schema.safeParse(text);
          expect({ text, success }).toEqual({ text, success: isLine(text) });
          if (success) expect(data).toBe(text.trim());
        }),
        { numRuns: 1000 },
      );
    });

    test("stays as it is when it is trimmed already", () => {
      fc.assert(
        fc.property(anyText.filter(isLine), (text) => {
          const once = schema.parse(text);
          expect(schema.parse(once)).toBe(once);
        }),
      );
    });

    const good: [what: string, text: string][] = [
      ["255 letters", "a".repeat(255)],
      ["255 characters outside the basic plane", "\u{1f600}".repeat(255)],
      ["255 letters between spaces", `  ${"a".repeat(255)}\n`],
      ["what looks like SQL and HTML", `'; DROP TABLE books; -- <script>"%_\\`],
      ["a zero-width joiner inside", "\u{1f468}\u200d\u{1f469}"],
    ];
    for (const [what, text] of good) {
      test(`takes ${what}`, () => expect(schema.parse(text)).toBe(text.trim()));
    }

    const bad: [what: string, text: unknown, message: RegExp][] = [
      ["nothing", "", /is empty$/],
      ["white space", " \t\n\u00a0\u3000\ufeff ", /is empty$/],
      ["256 letters", "a".repeat(256), /is longer than 255 characters$/],
      ["256 emoji", "\u{1f600}".repeat(256), /is longer than 255 characters$/],
      ["a line break inside", "a\nb", /has control characters$/],
      ["NUL", "a\0b", /has control characters$/],
      ["DEL", "a\u007fb", /has control characters$/],
      ["a C1 control", "a\u0085b", /has control characters$/],
      ["a high surrogate alone", "a\ud83d", /is not valid Unicode$/],
      ["a low surrogate alone", "\ude00a", /is not valid Unicode$/],
      ["surrogates in the wrong order", "\ude00\ud83d", /is not valid Unicode$/],
      ["a number", 5, /expected string/],
      ["null", null, /expected string/],
      ["a list", ["a"], /expected string/],
    ];
    for (const [what, text, message] of bad) {
      test(`refuses ${what}, and says so once`, () => {
        expect(schema.safeParse(text).error?.issues).toEqual([
          expect.objectContaining({ message: expect.stringMatching(message) }),
        ]);
      });
    }
  });
}

describe("year", () => {
  const schema = yearSchema();

  test("is any integer from -4000 to 9999", () => {
    const numbers = fc.oneof(
      fc.integer(),
      fc.integer({ min: -4100, max: 10_100 }),
      fc.double(),
      fc.constantFrom(-4001, -4000, -1, -0, 0, 9999, 10_000, 1e21, Number.NaN),
    );
    fc.assert(
      fc.property(numbers, (year) => {
        const promised = Number.isInteger(year) && year >= -4000 && year <= 9999;
        expect({ year, success: schema.safeParse(year).success }).toEqual({
          year,
          success: promised,
        });
      }),
      { numRuns: 1000 },
    );
  });

  test("is nothing else that JSON has", () => {
    const others = fc.jsonValue().filter((value) => typeof value !== "number");
    fc.assert(fc.property(others, (value) => !schema.safeParse(value).success));
  });
});

describe("a book's fields", () => {
  const fields = { title: "Emma", author: "Jane Austen", year: 1815 };
  const unknown = ["id", "created_at", "updated_at", "Title", "isbn", "__proto__", "constructor"];

  for (const field of unknown) {
    test(`are refused with ${field} among them`, () => {
      const body: unknown = JSON.parse(
        `{"title":"Emma","author":"Jane Austen","year":1815,"${field}":1}`,
      );
      for (const schema of [bookInputSchema, bookChangesSchema]) {
        expect(schema.safeParse(body).error?.issues).toEqual([
          expect.objectContaining({ code: "unrecognized_keys", keys: [field] }),
        ]);
      }
    });
  }

  for (const name of Object.keys(fields) as (keyof typeof fields)[]) {
    test(`are all needed for a new book: ${name}`, () => {
      const { [name]: _, ...others } = fields;
      expect(bookInputSchema.safeParse(others).error?.issues).toEqual([
        expect.objectContaining({ path: [name] }),
      ]);
    });

    test(`are a change one by one: ${name}`, () => {
      const change = { [name]: fields[name] };
      expect(bookChangesSchema.parse(change)).toEqual(change);
    });

    test(`are no change where they are undefined or null: ${name}`, () => {
      expect(bookChangesSchema.safeParse({ [name]: undefined }).success).toBe(false);
      expect(bookChangesSchema.safeParse({ [name]: null }).success).toBe(false);
    });
  }

  test("make no change when there are none", () => {
    expect(bookChangesSchema.safeParse({}).error?.issues).toHaveLength(1);
  });
});

test("the first books are ones that a client could add", () => {
  for (const book of SEED_BOOKS) expect(bookInputSchema.parse(book)).toEqual(book);
});
