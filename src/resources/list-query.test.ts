import { describe, expect, test } from "bun:test";
import { measurements } from "../../test/samples.ts";
import { books } from "../books.ts";
import { encodeCursor } from "./cursor.ts";
import { listQueryParser } from "./list-query.ts";

type Query = Record<string, string | string[]>;

const parserOf = (resource: Parameters<typeof listQueryParser>[0]) => {
  const parse = listQueryParser(resource);
  return (query: Query) =>
    parse(Object.fromEntries(Object.entries(query).map(([name, value]) => [name, [value].flat()])));
};
const parse = parserOf(books);
const parseMeasurements = parserOf(measurements);

const DEFAULTS = {
  limit: 50,
  sort: { field: "id", descending: false },
  words: [],
  filters: {},
  after: undefined,
  findsNothing: false,
};

test("a list without parameters has the first 50 entries by id", () => {
  expect(parse({})).toEqual(DEFAULTS);
  expect(parseMeasurements({})).toEqual(DEFAULTS);
});

test("every parameter says something about the list", () => {
  expect(
    parse({ limit: "200", sort: "-year", q: "Jane  AUSTEN", author: "Jane Austen", year: "1815" }),
  ).toEqual({
    limit: 200,
    sort: { field: "year", descending: true },
    words: ["austen", "jane"],
    filters: { author: "Jane Austen", year: 1815 },
    after: undefined,
    findsNothing: false,
  });
});

test("filters have the values of their fields", () => {
  const { filters } = parseMeasurements({
    valid: "false",
    confirmed: "true",
    quality: "a",
    taken_at: "2026-01-01T02:00:00+02:00",
    order: "-0",
    value: "1e-3",
  });
  expect(filters).toEqual({
    valid: false,
    confirmed: true,
    quality: "a",
    taken_at: "2026-01-01T00:00:00.000Z",
    order: 0,
    value: 0.001,
  });
  // In the order of the definition, whatever the request's is.
  expect(Object.keys(filters)).toEqual([...measurements.filter]);
});

test("lists are sorted by id and by the fields of the definition, upwards and downwards", () => {
  for (const field of ["id", ...measurements.sort]) {
    expect(parseMeasurements({ sort: field }).sort).toEqual({ field, descending: false });
    expect(parseMeasurements({ sort: `-${field}` }).sort).toEqual({ field, descending: true });
  }
});

test("a cursor leads to the place after an entry, in the list that it was made for", () => {
  const entry = {
    ...{ id: 7, title: "Emma", author: "Jane Austen", year: 1815 },
    ...{ created_at: "2026-01-01T00:00:00.000Z", updated_at: "2026-01-01T00:00:00.000Z" },
  };
  const query = { sort: "-year", author: "Jane Austen", q: "emma" };
  const cursor = encodeCursor(entry, parse(query));
  expect(parse({ ...query, cursor, limit: "3" })).toMatchObject({
    ...{ limit: 3, after: { value: 1815, id: 7 } },
  });
  for (const other of [{ sort: "year" }, { author: "Jane" }, { q: "emm" }, { year: "1815" }]) {
    expect(() => parse({ ...query, ...other, cursor })).toThrow("cursor: Not a cursor");
  }
});

test("a search without any word finds nothing, unless nobody can see that there is one", () => {
  for (const q of ["!!", "\u{1f389}", "%", "\u2019"]) {
    expect(parse({ q })).toMatchObject({ words: [], findsNothing: true });
  }
  for (const q of ["", " ", "\u3000\u200b"]) expect(parse({ q })).toEqual(DEFAULTS);
});

test("a search has up to 8 different words, none of which begins another", () => {
  expect(parse({ q: "a ab abc abc x" }).words).toEqual(["abc", "x"]);
  expect(parse({ q: "b c d e f g h i".repeat(3) }).words).toHaveLength(8);
  expect(() => parse({ q: "b c d e f g h i j" })).toThrow(
    "q: Expected at most 8 different words, received 9; where a script has no spaces,",
  );
});

describe("refused is", () => {
  const refused: [what: string, query: Query, path: string, parser?: typeof parse][] = [
    ["a limit of 0", { limit: "0" }, "limit"],
    ["a limit above 200", { limit: "201" }, "limit"],
    ["a limit that is no number", { limit: "all" }, "limit"],
    ["a limit with a sign", { limit: "+5" }, "limit"],
    ["a limit of ten digits", { limit: "0000000001" }, "limit"],
    ["a limit given twice", { limit: ["1", "2"] }, "limit"],
    ["another sort", { sort: "created_at" }, "sort"],
    ["a sort with two signs", { sort: "--year" }, "sort"],
    ["a sort by an optional field", { sort: "order" }, "sort", parseMeasurements],
    ["a search of 256 characters", { q: "x".repeat(256) }, "q"],
    ["an unknown parameter", { page: "2" }, "page"],
    ["a field that is no filter", { title: "Emma" }, "title"],
    ["a filter given twice", { author: ["a", "b"] }, "author"],
    ["an empty filter", { author: "" }, "author"],
    ["a year that is no number", { year: "MDCCCXV" }, "year"],
    ["a search where there is none", { q: "lake" }, "q", parseMeasurements],
    ["a boolean that is none", { valid: "yes" }, "valid", parseMeasurements],
    ["a time that is none", { taken_at: "noon" }, "taken_at", parseMeasurements],
    ["a choice that is none", { quality: "best" }, "quality", parseMeasurements],
    ["null", { order: "null" }, "order", parseMeasurements],
    ["a cursor that is none", { cursor: "7" }, "cursor"],
    ["an empty cursor", { cursor: "" }, "cursor"],
  ];
  for (const [what, query, path, parser = parse] of refused) {
    test(what, () => {
      expect(() => parser(query)).toThrow(
        expect.objectContaining({
          code: "invalid_input",
          issues: [expect.objectContaining({ path })],
        }),
      );
    });
  }
});
