import { describe, expect, test } from "bun:test";
import { RESOURCES } from "../../test/example/service.ts";
import { MEASUREMENTS, measurements } from "../../test/samples.ts";
import { books } from "../books.ts";
import { boolean, integer, text } from "./field.ts";
import {
  applyChanges,
  completeInput,
  defineResource,
  type Entry,
  entryFromJson,
  type Resource,
  requireDistinct,
  searchWords,
  titleOf,
} from "./resource.ts";
import {
  changesSchema,
  entrySchema,
  filterSchema,
  idSchema,
  inputSchema,
  storedSchema,
} from "./schemas.ts";

const EMMA = { title: "Emma", author: "Jane Austen", year: 1815 };

describe("a definition is refused", () => {
  const name = text({ max: 10 });
  const one = "thing";
  const refused: [what: string, define: () => unknown, problem: string][] = [
    [
      "for a name with capitals",
      () => defineResource("Things", { one, fields: { name } }),
      "resource Things: Things is no name; expected ^[a-z][a-z0-9_]{0,28}$",
    ],
    [
      "for a name of 30 characters",
      () => defineResource("t".repeat(30), { one, fields: { name } }),
      "is no name; expected",
    ],
    [
      "for a name of one entry that is none",
      () => defineResource("things", { one: "a thing", fields: { name } }),
      "resource things: a thing is no name; expected",
    ],
    [
      "for a name with a quote",
      () => defineResource('things"', { one, fields: { name } }),
      "is no name; expected",
    ],
    ...[
      "schema_migrations",
      "sqlite_things",
      "idempotency_keys",
      "imports",
      "api",
      "docs",
      "health",
      "healthz",
    ]
      .concat("metrics", "process", "ready")
      .map((taken): [string, () => unknown, string] => [
        `for the name ${taken}`,
        () => defineResource(taken, { one, fields: { name } }),
        `resource ${taken}: the service or SQLite uses this name; choose another`,
      ]),
    [
      "for a field's name that is none",
      () => defineResource("things", { one, fields: { "first name": name } }),
      "resource things: first name is no name of a field; expected ^[a-z]",
    ],
    ...[
      "id",
      "created_at",
      "updated_at",
      "words",
      "limit",
      "cursor",
      "sort",
      "q",
      "xmin",
      "constructor",
    ].map((taken): [string, () => unknown, string] => [
      `for a field ${taken}`,
      () => defineResource("things", { one, fields: { [taken]: name } }),
      `resource things: the name ${taken} has a meaning of its own; choose another`,
    ]),
    [
      "for a search of a field that is not there",
      () => defineResource("things", { one, fields: { name }, search: ["title" as "name"] }),
      "resource things: there is no field title",
    ],
    [
      "for a filter of a field that is not there",
      () => defineResource("things", { one, fields: { name }, filter: ["toString" as "name"] }),
      "resource things: there is no field toString",
    ],
    [
      "for a sort by a field that is not there",
      () => defineResource("things", { one, fields: { name }, sort: ["title" as "name"] }),
      "resource things: there is no field title",
    ],
    [
      "for a sort by an optional field",
      () =>
        defineResource("things", {
          ...{ one, fields: { note: text({ max: 9, optional: true }) }, sort: ["note"] },
        }),
      "resource things: note is optional, so lists cannot be sorted by it",
    ],
    [
      "for a search of what is no text",
      () => defineResource("things", { one, fields: { size: integer({}) }, search: ["size"] }),
      "resource things: size is no text, so it has no words to search",
    ],
    [
      "for seven filters",
      () => {
        const names = ["a", "b", "c", "d", "e", "f", "g"];
        const fields = Object.fromEntries(names.map((each) => [each, boolean({})]));
        return defineResource("things", { one, fields, filter: names });
      },
      "resource things: more than 6 filters",
    ],
  ];
  for (const [what, define, problem] of refused) {
    test(what, () => {
      expect(define).toThrow(TypeError);
      expect(define).toThrow(problem);
    });
  }

  test("and only then: a definition may have no search, filter, sort or samples", () => {
    const things = defineResource("things", { one, fields: { name } });
    expect(things).toMatchObject({ search: [], filter: [], sort: [], samples: [] });
  });
});

test.each<[what: string, name: string, one: string, problem: string]>([
  ["path", "books", "volume", "the resource books has books already"],
  ["schema", "volumes", "book", "the resource books has book_words already"],
  ["table", "book_words", "word", "the resource books has book_words already"],
  ["schema of the service", "problems", "problem", "the service has Problem already"],
])("resources may not share a %s", (_what, name, one, problem) => {
  const other = defineResource(name, { one, fields: {} });
  expect(() => requireDistinct([books, other])).toThrow(`resource ${name}: ${problem}`);
  expect(() => requireDistinct([books, measurements])).not.toThrow();
});

describe("the fields of a book", () => {
  const [input, changes] = [inputSchema(books), changesSchema(books)];
  const unknown = ["id", "created_at", "updated_at", "Title", "isbn", "__proto__", "constructor"];

  for (const field of unknown) {
    test(`are refused with ${field} among them`, () => {
      const body: unknown = JSON.parse(
        `{"title":"Emma","author":"Jane Austen","year":1815,"${field}":1}`,
      );
      for (const schema of [input, changes]) {
        expect(schema.safeParse(body).error?.issues).toEqual([
          expect.objectContaining({ code: "unrecognized_keys", keys: [field] }),
        ]);
      }
    });
  }

  for (const name of Object.keys(EMMA) as (keyof typeof EMMA)[]) {
    test(`are all needed for a new book: ${name}`, () => {
      const { [name]: _, ...others } = EMMA;
      expect(input.safeParse(others).error?.issues).toEqual([
        expect.objectContaining({ path: [name] }),
      ]);
    });

    test(`are a change one by one: ${name}`, () => {
      const change = { [name]: EMMA[name] };
      expect(changes.parse(change)).toEqual(change);
    });

    test(`are no change where they are undefined or null: ${name}`, () => {
      expect(changes.safeParse({ [name]: undefined }).success).toBe(false);
      expect(changes.safeParse({ [name]: null }).success).toBe(false);
    });
  }

  test("make no change when there are none, and the message names them", () => {
    expect(changes.safeParse({}).error?.issues).toMatchObject([
      { message: "Expected at least one of title, author, year" },
    ]);
  });

  test("name themselves in messages", () => {
    const { error } = input.safeParse({ ...EMMA, title: " ", year: 10_000 });
    expect(error?.issues).toMatchObject([
      { path: ["title"], message: "The title is empty" },
      { path: ["year"], message: "Too big: expected number to be <=9999" },
    ]);
  });
});

describe("optional fields", () => {
  const input = inputSchema(measurements);
  const changes = changesSchema(measurements);
  const entry = entrySchema(measurements);
  const optional = ["note", "order", "error", "confirmed", "checked_at", "unit"];
  const required = Object.keys(measurements.fields).filter((each) => !optional.includes(each));
  const full = MEASUREMENTS.input;
  const least = Object.fromEntries(required.map((name) => [name, full[name]]));

  test("may be left out of a new entry, or be null: both are null", () => {
    const nulls = Object.fromEntries(optional.map((name) => [name, null]));
    expect(input.parse(least)).toEqual({ ...least, ...nulls });
    expect(input.parse({ ...least, ...nulls })).toEqual({ ...least, ...nulls });
    expect(input.parse(full)).toEqual(full);
  });

  test("may be changed to null, and stay out of a change that does not name them", () => {
    for (const name of optional) expect(changes.parse({ [name]: null })).toEqual({ [name]: null });
    expect(changes.parse({ valid: false })).toEqual({ valid: false });
    for (const name of optional) {
      expect(changes.safeParse({ [name]: undefined }).success).toBe(false);
    }
  });

  test("are null in an entry, and required fields are not", () => {
    const times = {
      created_at: "2026-01-01T00:00:00.000Z",
      updated_at: "2026-01-01T00:00:00.000Z",
    };
    const stored = { id: 1, ...completeInput(measurements, least), ...times };
    expect(entry.parse(stored)).toEqual(stored as Entry);
    for (const name of required) {
      expect(entry.safeParse({ ...stored, [name]: null }).success).toBe(false);
      expect(input.safeParse({ ...full, [name]: null }).success).toBe(false);
      expect(changes.safeParse({ [name]: null }).success).toBe(false);
    }
  });
});

test("an id is a whole number from 1 on", () => {
  const id = idSchema();
  for (const good of [1, 2 ** 53 - 1]) expect(id.safeParse(good).success).toBe(true);
  for (const bad of [0, -1, 1.5, 2 ** 53, "1", null]) expect(id.safeParse(bad).success).toBe(false);
});

test("the schemas of a resource are made once", () => {
  for (const schemaOf of [inputSchema, changesSchema, entrySchema]) {
    expect<unknown>(schemaOf(books)).toBe(schemaOf(books));
    expect<unknown>(schemaOf(books)).not.toBe(schemaOf(measurements));
  }
});

test("a field that is not there has no schema", () => {
  expect(() => storedSchema(books, "isbn")).toThrow("There is no field isbn");
  expect(() => filterSchema(books, "isbn")).toThrow("There is no field isbn");
});

test("an entry of a former definition has null where it lacks a field, and its fields in order", () => {
  const json = { updated_at: "b", year: 1815, id: 7, created_at: "a", title: "Emma" };
  const entry = entryFromJson(books, json);
  expect(entry).toEqual({
    ...{ id: 7, title: "Emma", author: null, year: 1815, created_at: "a", updated_at: "b" },
  });
  expect(Object.keys(entry)).toEqual(["id", "title", "author", "year", "created_at", "updated_at"]);
});

test("changes leave alone what they do not name, and null is one", () => {
  const entry = { id: 1, ...MEASUREMENTS.input, created_at: "a", updated_at: "a" } as Entry;
  const changed = applyChanges(measurements, entry, { note: null, valid: undefined, count: 9 });
  expect(changed).toEqual({ ...entry, note: null, count: 9 });
});

test("an entry is found by the words of its text, and by none of a field without one", () => {
  const notes = defineResource("notes", {
    one: "note",
    fields: { heading: text({ max: 99 }), body: text({ max: 99, optional: true }) },
    search: ["heading", "body"],
  });
  expect(searchWords(notes, { heading: "Up & Down", body: "Left" })).toEqual([
    "up",
    "down",
    "left",
  ]);
  expect(searchWords(notes, { heading: "Up", body: null })).toEqual(["up"]);
  expect(searchWords(measurements, MEASUREMENTS.input)).toEqual([]);
});

test("one entry has a title that names its schema", () => {
  expect(titleOf(books)).toBe("Book");
  const lists = defineResource("reading_lists", { one: "reading_list2", fields: {} });
  expect(titleOf(lists)).toBe("ReadingList2");
});

const all: readonly Resource[] = [...RESOURCES, measurements];
test.each(all)("the samples of $name are entries that a client could add", (resource) => {
  for (const sample of resource.samples) {
    expect(inputSchema(resource).parse(sample)).toEqual(completeInput(resource, sample));
  }
});
