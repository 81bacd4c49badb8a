import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { books } from "../books.ts";
import { DomainError } from "../errors.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import type { EntryOf } from "./resource.ts";
import { idSchema, storedSchema } from "./schemas.ts";
import type { Position } from "./store.ts";

// They try thousands of cursors.
setDefaultTimeout(60_000);

type Book = EntryOf<typeof books>;
type List = Parameters<typeof encodeCursor>[1];

const NOW = "2026-01-01T00:00:00.000Z";
const text = fc
  .string({ unit: "binary", minLength: 1, maxLength: 255 })
  .filter((candidate) => storedSchema(books, "title").safeParse(candidate).data === candidate);
const year = fc.integer({ min: -4000, max: 9999 });
const book: fc.Arbitrary<Book> = fc.record({
  id: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  title: text,
  author: text,
  year,
  created_at: fc.constant(NOW),
  updated_at: fc.constant(NOW),
});
const list: fc.Arbitrary<List> = fc.record({
  sort: fc.record({
    field: fc.constantFrom("id", ...books.sort),
    descending: fc.boolean(),
  }),
  words: fc.array(fc.string({ minLength: 1, maxLength: 8 }), { maxLength: 3 }),
  filters: fc.record({ author: text, year }, { requiredKeys: [] }),
});

/** One book and one list with nothing special about them. */
const EMMA: Book = {
  id: 7,
  title: "Emma",
  author: "Jane Austen",
  year: 1815,
  created_at: NOW,
  updated_at: NOW,
};
const BY_TITLE: List = {
  sort: { field: "title", descending: false },
  words: ["emma"],
  filters: { author: "Jane Austen", year: 1815 },
};

function expectRefused(cursor: string, of: List): void {
  const decode = () => decodeCursor(books, cursor, of);
  expect(decode).toThrow(DomainError);
  expect(decode).toThrow(
    expect.objectContaining({
      code: "invalid_input",
      issues: [expect.objectContaining({ path: "cursor" })],
    }),
  );
}

/** A cursor with a mistake in it may lead to another place, and only to one that an entry may have. */
function expectPlaceOrRefused(cursor: string, of: List): void {
  let place: Position;
  try {
    place = decodeCursor(books, cursor, of);
  } catch {
    expectRefused(cursor, of);
    return;
  }
  const { id, value } = place;
  expect(encodeCursor({ ...EMMA, [of.sort.field]: value, id }, of)).toBe(cursor);
  expect(schemaOf(of.sort.field).safeParse(value).data).toBe(value);
}

const schemaOf = (field: string) => (field === "id" ? idSchema() : storedSchema(books, field));

test("a cursor leads back to its place, for any book in any list", () => {
  fc.assert(
    fc.property(book, list, (at, of) => {
      expect(decodeCursor(books, encodeCursor(at, of), of)).toEqual({
        value: at[of.sort.field as keyof Book],
        id: at.id,
      });
    }),
  );
});

test("a cursor leads back to a text that was stored by older rules", () => {
  for (const title of ["Cafe\u0301", " a", "\u2800", "a\nb", "x".repeat(300)]) {
    const cursor = encodeCursor({ ...EMMA, title }, BY_TITLE);
    expect(decodeCursor(books, cursor, BY_TITLE)).toEqual({ value: title, id: EMMA.id });
  }
});

test("a cursor needs no escaping in a URL", () => {
  fc.assert(
    fc.property(book, list, (at, of) => {
      const cursor = encodeCursor(at, of);
      expect(encodeURIComponent(cursor)).toBe(cursor);
    }),
  );
});

describe("refused is", () => {
  for (const [field, value] of [
    ["id", 0],
    ["id", 2 ** 53],
    ["year", Number.MAX_SAFE_INTEGER],
    ["title", "a\u0000b"],
    ["author", "a\ud800"],
  ] as const) {
    test(`a ${field} that no book can have, though it is well made`, () => {
      const of: List = {
        sort: { field, descending: false },
        words: [],
        filters: {},
      };
      expectRefused(encodeCursor({ ...EMMA, [field]: value }, of), of);
    });
  }

  const character = fc.oneof(
    fc.constantFrom(..."ABCxyz019-_.=+/ %"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  );

  test("a cursor with any one character changed, where it leads to no place", () => {
    fc.assert(
      fc.property(book, list, fc.nat(), character, (at, of, place, put) => {
        const cursor = encodeCursor(at, of);
        const index = place % cursor.length;
        fc.pre(cursor[index] !== put);
        expectPlaceOrRefused(cursor.slice(0, index) + put + cursor.slice(index + 1), of);
      }),
      { numRuns: 500 },
    );
  });

  test("every change of one character of one cursor, where it leads to no place", () => {
    const cursor = encodeCursor(EMMA, BY_TITLE);
    for (const [index, old] of [...cursor].entries()) {
      for (const put of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") {
        if (put === old) continue;
        expectPlaceOrRefused(cursor.slice(0, index) + put + cursor.slice(index + 1), BY_TITLE);
      }
    }
  });

  test("a cursor cut short, at any place", () => {
    const cursor = encodeCursor(EMMA, BY_TITLE);
    for (let length = 0; length < cursor.length; length += 1) {
      expectRefused(cursor.slice(0, length), BY_TITLE);
    }
  });

  test("a cursor with something before, inside or after it, where it leads to no place", () => {
    fc.assert(
      fc.property(book, list, fc.nat(), character, (at, of, place, put) => {
        const cursor = encodeCursor(at, of);
        const index = place % (cursor.length + 1);
        expectPlaceOrRefused(cursor.slice(0, index) + put + cursor.slice(index), of);
      }),
    );
  });

  test("a cursor that says the same in other words", () => {
    const cursor = encodeCursor(EMMA, BY_TITLE);
    const text = atob(cursor);
    const others = [
      ` ${cursor}`,
      `${cursor}\n`,
      `${cursor}=`,
      btoa(text.replace("[", "[ ")),
      btoa(text.replace('"Emma"', '"\\u0045mma"')),
      btoa(text.replace('"Emma"', '" Emma"')),
      btoa(text.replace(",7]", ",7.0]")),
    ];
    for (const other of others) expectRefused(other, BY_TITLE);
  });

  test("a cursor with another part", () => {
    const cursor = encodeCursor(EMMA, BY_TITLE);
    for (const more of [`${cursor}.`, `${cursor}.x`, `.${cursor}`, `${cursor}.${cursor}`]) {
      expectRefused(more, BY_TITLE);
    }
  });

  test("any text that was never a cursor", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), list, expectRefused));
  });

  const others: [what: string, of: List][] = [
    ["field", { ...BY_TITLE, sort: { field: "author", descending: false } }],
    ["direction", { ...BY_TITLE, sort: { field: "title", descending: true } }],
    ["words", { ...BY_TITLE, words: ["emm"] }],
    ["number of words", { ...BY_TITLE, words: ["emma", "emma"] }],
    ["no words", { ...BY_TITLE, words: [] }],
    ["author", { ...BY_TITLE, filters: { author: "Jane", year: 1815 } }],
    ["no author", { ...BY_TITLE, filters: { year: 1815 } }],
    ["year", { ...BY_TITLE, filters: { author: "Jane Austen", year: 1816 } }],
    ["no year", { ...BY_TITLE, filters: { author: "Jane Austen" } }],
    ["no filters", { ...BY_TITLE, filters: {} }],
  ];
  for (const [what, of] of others) {
    test(`a cursor of a list with another sort or filter: ${what}`, () => {
      expectRefused(encodeCursor(EMMA, BY_TITLE), of);
      expectRefused(encodeCursor(EMMA, of), BY_TITLE);
    });
  }

  test("a cursor of any other list", () => {
    fc.assert(
      fc.property(book, list, list, (at, of, other) => {
        fc.pre(JSON.stringify(of) !== JSON.stringify(other));
        expectRefused(encodeCursor(at, of), other);
      }),
    );
  });

  /** Cursors of the right list, whose place no book can have. */
  const impossible: [what: string, at: object][] = [
    ["an id of 0", { id: 0 }],
    ["a negative id", { id: -1 }],
    ["a broken id", { id: 1.5 }],
    ["an id too large to be exact", { id: 2 ** 60 }],
    ["an id that is a text", { id: "7" }],
    ["a title that is a number", { title: 5 }],
    ["a title that is a list", { title: ["Emma"] }],
    ["no title", { title: null }],
  ];
  for (const [what, at] of impossible) {
    test(`a forged cursor with ${what}`, () => {
      expectRefused(encodeCursor({ ...EMMA, ...at } as Book, BY_TITLE), BY_TITLE);
    });
  }

  test("a forged cursor with a year that is a text", () => {
    const byYear: List = { sort: { field: "year", descending: false }, words: [], filters: {} };
    expectRefused(encodeCursor({ ...EMMA, year: "1815" } as unknown as Book, byYear), byYear);
  });
});
