import { books } from "../src/books.ts";
import {
  boolean,
  choice,
  INSTANT_MAX,
  INSTANT_MIN,
  instant,
  integer,
  number,
  text,
  type Value,
  type Values,
} from "../src/resources/field.ts";
import { defineResource, type Resource } from "../src/resources/resource.ts";
import { inputSchema } from "../src/resources/schemas.ts";
import type { ListQuery, Position, Sort } from "../src/resources/store.ts";

/**
 * A resource with every kind of field, required and optional, and no search. Its words sort differently by
 * code point, by UTF-16 unit and in a dictionary, and `order` is a keyword of SQL.
 */
export const measurements = defineResource("measurements", {
  one: "measurement",
  fields: {
    sensor: text({ max: 100 }),
    taken_at: instant({}),
    value: number({}),
    count: integer({}),
    quality: choice(["Z", "a", "\u00e9", "\uffff", "\u{1f600}"], {}),
    valid: boolean({}),
    note: text({ max: 20, optional: true }),
    order: integer({ min: -5, max: 1000, optional: true }),
    error: number({ optional: true }),
    confirmed: boolean({ optional: true }),
    checked_at: instant({ optional: true }),
    unit: choice(["m", "kg"], { optional: true }),
  },
  filter: ["valid", "quality", "taken_at", "order", "confirmed", "value"],
  sort: ["value", "taken_at", "quality", "count"],
  samples: [
    {
      sensor: "roof",
      taken_at: "2025-12-31T23:59:59.999Z",
      value: -1.5,
      count: 1,
      quality: "a",
      valid: true,
      unit: "m",
    },
    {
      sensor: "cellar",
      taken_at: "2026-01-01T00:00:00.000Z",
      value: 20,
      count: 2,
      quality: "Z",
      valid: false,
    },
  ],
});

/** What the contract of stores needs of a resource. All values are as they are after validation. */
export type Subject = {
  resource: Resource;
  /** The text field that expectations name entries by. */
  label: string;
  input: Values;
  /** Differs from `input` in every field. */
  other: Values;
  /** A value of the same field for each number from 0 on. */
  vary: (n: number) => Values;
  /** Changes to make one after another. */
  changes: readonly Values[];
  /** Each makes another input of `input`. */
  differences: readonly Values[];
  /** Values of fields that a store might lose. */
  kept: readonly (readonly [what: string, fields: Values])[];
  /** Entries to list, some of them equal in the fields that lists are sorted by. */
  library: readonly Values[];
  /** Each lists more than one entry of the library, but not all. */
  divisions: readonly Partial<ListQuery>[];
  /** Which of the library lists find, by their labels. */
  found: readonly { query: Partial<ListQuery>; labels: readonly string[] }[];
  /** What of the sorted field comes after a position where no entry of the library is. */
  places: readonly { sort: Sort; after: Position; values: readonly Value[] }[];
  /** Values that are nearly equal. */
  alike: readonly { filter: string; values: readonly [Value, NonNullable<Value>] }[];
  /** The text fields that lists are sorted by, one of them upwards and one downwards. */
  textSorts: readonly Sort[];
  /** Where entries come before and after those of the library, in most sorts. */
  first: Values;
  last: Values;
};

export const DUNE = { title: "Dune", author: "Frank Herbert", year: 1965 };
export const EMMA = { title: "Emma", author: "Jane Austen", year: 1815 };

const up = (field: string): Sort => ({ field, descending: false });
const down = (field: string): Sort => ({ field, descending: true });

export const BOOKS: Subject = {
  resource: books,
  label: "title",
  input: DUNE,
  other: EMMA,
  vary: (year) => ({ year }),
  changes: [{ title: "Arrakis" }, { author: "F. H." }, { year: -1 }, EMMA],
  differences: [{ title: "dune" }, { author: "Frank  Herbert" }, { year: 1966 }],
  kept: [
    ["the longest text", { title: "x".repeat(255), author: "y".repeat(255) }],
    ["the longest text beyond the BMP", { title: "😀".repeat(255), author: "𐐀".repeat(255) }],
    ["composed and decomposed accents", { title: "Caf\u00e9", author: "Cafe\u0301" }],
    ["quotes", { title: `"'\`’“`, author: "O'Reilly -- '; DROP TABLE books" }],
    ["backslashes and templates", { title: "\\n \\u0000 \\", author: `$1 \${x} ? :a @b %s` }],
    ["JSON", { title: '{"a":[1,null]}', author: "[]" }],
    ["joiners and marks of direction", { title: "👩‍👩‍👧‍👦", author: "\u202eabc\u200b" }],
    ["noncharacters", { title: "\ufdd0\uffff\u{10ffff}", author: "\ufeff." }],
    ["the first year", { year: -4000 }],
    ["the last year", { year: 9999 }],
    ["the year 0", { year: 0 }],
    ["the year -0", { year: valid(books, { ...DUNE, year: -0 }).year }],
  ],
  library: [
    { title: "b", author: "Y", year: 5 },
    { title: "a", author: "Y", year: -5 },
    { title: "a", author: "X", year: 5 },
    { title: "C", author: "x", year: 10 },
    { title: "b", author: "Y", year: 5 },
    { title: "aa", author: "X", year: 9 },
    { title: "é", author: "X Y", year: -10 },
  ],
  divisions: [
    { filters: { author: "Y" } },
    { filters: { year: 5 } },
    { words: ["x"] },
    { words: ["a"] },
  ],
  found: [
    { query: { filters: { author: "X" } }, labels: ["a", "aa"] },
    { query: { filters: { author: "x" } }, labels: ["C"] },
    { query: { filters: { author: "X " } }, labels: [] },
    { query: { filters: { author: "%" } }, labels: [] },
    { query: { filters: { author: "" } }, labels: [] },
    { query: { filters: { year: 5 } }, labels: ["b", "a", "b"] },
    { query: { filters: { year: 0 } }, labels: [] },
    { query: { filters: { author: "Y", year: 5 }, words: ["b"] }, labels: ["b", "b"] },
    { query: { filters: { author: "X", year: 9 }, words: ["aa"] }, labels: ["aa"] },
  ],
  places: [
    { sort: up("title"), after: { value: "aZ", id: 99 }, values: ["aa", "b", "b", "é"] },
    { sort: down("year"), after: { value: 7, id: 1 }, values: [5, 5, 5, -5, -10] },
  ],
  alike: [{ filter: "author", values: ["Ren\u00e9", "Rene\u0301"] }],
  textSorts: [up("title"), down("author")],
  first: { title: "0", author: "0", year: -100 },
  last: { title: "zz", author: "zz", year: 100 },
};

const NOON = "2026-01-01T12:00:00.000Z";
const AFTER_NOON = "2026-01-01T12:00:00.001Z";

/** All fields that are optional have a value. */
const FULL = {
  sensor: "lake",
  taken_at: NOON,
  value: 1.5,
  count: 3,
  quality: "a",
  valid: true,
  note: "calm",
  order: 7,
  error: 0.25,
  confirmed: false,
  checked_at: "2026-01-02T00:00:00.000Z",
  unit: "m",
};

/** None of them has one, and the input does not name them. */
const SPARSE = {
  sensor: "hill",
  taken_at: AFTER_NOON,
  value: -2,
  count: 4,
  quality: "Z",
  valid: false,
};
const NONE = {
  note: null,
  order: null,
  error: null,
  confirmed: null,
  checked_at: null,
  unit: null,
};

const measured = (fields: Values) => valid(measurements, { ...SPARSE, ...fields });
/** The fields, each as validation leaves it. */
const kept = (what: string, fields: Values) => {
  const input = measured(fields);
  const names = Object.keys(fields);
  return [what, Object.fromEntries(names.map((name) => [name, input[name]]))] as const;
};

export const MEASUREMENTS: Subject = {
  resource: measurements,
  label: "sensor",
  input: FULL,
  other: { ...SPARSE, ...NONE },
  vary: (count) => ({ count }),
  changes: [
    { sensor: "pond" },
    { taken_at: AFTER_NOON },
    { value: 1e-7 },
    { count: 0 },
    { quality: "\u{1f600}" },
    { valid: false },
    { note: null },
    { order: null, error: null },
    { confirmed: true },
    { confirmed: null },
    { checked_at: null, unit: null },
    { note: "rain", order: 0, error: -1, confirmed: false, checked_at: NOON, unit: "kg" },
    { ...SPARSE, ...NONE },
    FULL,
  ],
  differences: [
    { sensor: "Lake" },
    { taken_at: AFTER_NOON },
    { value: 1.5000000000000002 },
    { count: 2 },
    { quality: "Z" },
    { valid: false },
    { note: null },
    { order: null },
    { error: null },
    { confirmed: true },
    { confirmed: null },
    { checked_at: NOON },
    { unit: undefined },
  ],
  kept: [
    kept("-0", { value: -0, count: -0, order: -0, error: -0 }),
    kept("the largest numbers", { value: 1e308, error: -Number.MAX_VALUE }),
    kept("the smallest numbers", { value: 5e-324, error: -5e-324 }),
    kept("numbers of 17 digits", { value: 0.1 + 0.2, error: -1.7976931348623155e308 }),
    kept("a number that is whole", { value: 3, error: 2 ** 53 }),
    kept("the largest integer", { count: Number.MAX_SAFE_INTEGER, order: 1000 }),
    kept("the smallest integer", { count: Number.MIN_SAFE_INTEGER, order: -5 }),
    kept("an integer beyond 32 bits", { count: 2 ** 31 }),
    kept("the first instant", { taken_at: INSTANT_MIN, checked_at: INSTANT_MIN }),
    kept("the last instant", { taken_at: INSTANT_MAX, checked_at: INSTANT_MAX }),
    kept("instants before 1970", { taken_at: "1969-12-31T23:59:59.999Z" }),
    kept("an instant of another zone", { taken_at: "0001-01-01T05:30:00+05:30" }),
    kept("parts of a millisecond", { taken_at: "2026-06-01T12:00:00.123999999-04:00" }),
    kept("an instant without a fraction", { checked_at: "2026-06-01T12:00:00Z" }),
    kept("false", { valid: false, confirmed: false }),
    kept("true", { valid: true, confirmed: true }),
    kept("no value where none is needed", NONE),
    kept("0, which is a value", { value: 0, count: 0, order: 0, error: 0 }),
    kept("every word of a choice", { quality: "\uffff", unit: "kg" }),
  ],
  library: [
    { sensor: "b", taken_at: NOON, value: 5, count: 5, quality: "a", valid: true, order: 1 },
    { sensor: "a", value: -5, count: -5, quality: "a", valid: false, order: 1 },
    { sensor: "a", taken_at: NOON, value: 5, count: 5, quality: "Z", valid: true },
    { sensor: "C", value: 10.5, count: 2 ** 40, quality: "\u{1f600}", valid: true, order: 2 },
    { sensor: "b", taken_at: NOON, value: 5, count: 5, quality: "a", valid: false },
    { sensor: "aa", value: 5.000000000000001, count: 9, quality: "\uffff", confirmed: true },
    { sensor: "é", value: -1e308, count: -(2 ** 40), quality: "\u00e9", confirmed: false },
  ].map((fields, index) =>
    measured({ taken_at: `19${90 + index}-01-01T00:00:00.000Z`, ...fields }),
  ),
  divisions: [
    { filters: { quality: "a" } },
    { filters: { valid: true } },
    { filters: { taken_at: NOON } },
    { filters: { order: 1 } },
    { filters: { value: 5 } },
    { filters: { value: 5, taken_at: NOON, quality: "a" } },
  ],
  found: [
    { query: { filters: { valid: true } }, labels: ["b", "a", "C"] },
    { query: { filters: { valid: false } }, labels: ["a", "b", "aa", "é"] },
    { query: { filters: { quality: "a" } }, labels: ["b", "a", "b"] },
    { query: { filters: { quality: "\u{1f600}" } }, labels: ["C"] },
    { query: { filters: { taken_at: NOON } }, labels: ["b", "a", "b"] },
    { query: { filters: { taken_at: AFTER_NOON } }, labels: [] },
    { query: { filters: { order: 1 } }, labels: ["b", "a"] },
    { query: { filters: { order: 0 } }, labels: [] },
    { query: { filters: { confirmed: true } }, labels: ["aa"] },
    { query: { filters: { confirmed: false } }, labels: ["é"] },
    { query: { filters: { value: 5 } }, labels: ["b", "a", "b"] },
    { query: { filters: { value: 5.000000000000001 } }, labels: ["aa"] },
    { query: { filters: { value: 5, valid: true, taken_at: NOON } }, labels: ["b", "a"] },
    {
      query: { filters: { value: 5, valid: false, taken_at: NOON, quality: "a" } },
      labels: ["b"],
    },
  ],
  places: [
    { sort: up("value"), after: { value: 5, id: 4 }, values: [5, 5.000000000000001, 10.5] },
    {
      sort: down("value"),
      after: { value: 7.5, id: 1 },
      values: [5.000000000000001, 5, 5, 5, -5, -1e308],
    },
    {
      sort: up("taken_at"),
      after: { value: "2025-12-31T23:59:59.999Z", id: 99 },
      values: [NOON, NOON, NOON],
    },
    {
      sort: down("quality"),
      after: { value: "\uffff", id: 1 },
      values: ["\u00e9", "a", "a", "a", "Z"],
    },
    { sort: down("count"), after: { value: 2 ** 40, id: 1 }, values: [9, 5, 5, 5, -5, -(2 ** 40)] },
  ],
  alike: [
    { filter: "valid", values: [true, false] },
    { filter: "confirmed", values: [null, false] },
    { filter: "order", values: [null, 0] },
    { filter: "order", values: [1, -1] },
    { filter: "taken_at", values: [NOON, AFTER_NOON] },
    { filter: "value", values: [0.3, 0.1 + 0.2] },
  ],
  textSorts: [],
  first: measured({
    ...{ taken_at: INSTANT_MIN, value: -Number.MAX_VALUE, count: Number.MIN_SAFE_INTEGER },
    ...{ quality: "Z" },
  }),
  last: measured({
    ...{ taken_at: INSTANT_MAX, value: Number.MAX_VALUE, count: Number.MAX_SAFE_INTEGER },
    ...{ quality: "\u{1f600}" },
  }),
};

export const SUBJECTS = [BOOKS, MEASUREMENTS];

function valid(resource: Resource, input: Values): Values {
  return inputSchema(resource).parse(input);
}
