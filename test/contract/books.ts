import { describe, expect } from "bun:test";
import {
  type Api,
  BOOKS,
  type Book,
  bookFields,
  createBook,
  deleteBook,
  etagOf,
  missingBook,
  readBook,
  readJson,
  resolvePath,
  uniqueWord,
} from "./api.ts";
import { test } from "./case.ts";
import { expectInvalid, expectNoBody, expectProblem, ids, requireBook } from "./expectations.ts";

const NO_IDS = [
  "0",
  "-1",
  "+1",
  "01",
  "1.0",
  "1.5",
  "1e3",
  "0x1",
  "abc",
  "1abc",
  "%201",
  "%EF%BC%91",
  "%00",
  "NaN",
  "9007199254740993",
  "9223372036854775808",
  "9".repeat(400),
];

/** What no title, author or year may be, as JSON text. */
const REFUSED_VALUES = [
  { field: "title", value: '""' },
  { field: "title", value: '"   "' },
  { field: "title", value: '"\\t\\n"' },
  { field: "title", value: JSON.stringify("x".repeat(256)) },
  { field: "title", value: JSON.stringify("😀".repeat(256)) },
  { field: "title", value: '"a\\u0000b"' },
  { field: "title", value: '"a\\nb"' },
  { field: "title", value: '"a\\u001bb"' },
  { field: "title", value: '"a\\u007fb"' },
  { field: "title", value: '"a\\u0085b"' },
  { field: "title", value: '"a\\ud800b"' },
  { field: "title", value: '"a\\udc00b"' },
  { field: "title", value: '"\\u200b"' },
  { field: "title", value: '"\\u2060 \\u00ad"' },
  { field: "title", value: '"\\u180e"' },
  { field: "title", value: '"\\u2800"' },
  { field: "title", value: '"\\u115f\\u1160"' },
  { field: "title", value: '"\\u3164"' },
  { field: "title", value: '"\\uffa0"' },
  { field: "title", value: '"\\udb40\\udc01"' },
  { field: "title", value: '"a\\u2028b"' },
  { field: "title", value: '"a\\u2029b"' },
  { field: "title", value: '"a\\u202eb"' },
  { field: "title", value: '"a\\ufffeb"' },
  { field: "title", value: '"a\\ufdd0b"' },
  { field: "title", value: '"a\\udbff\\udfff"' },
  { field: "title", value: "5" },
  { field: "title", value: "null" },
  { field: "title", value: "true" },
  { field: "title", value: '["a"]' },
  { field: "title", value: "{}" },
  { field: "author", value: '""' },
  { field: "author", value: '"  "' },
  { field: "author", value: JSON.stringify("x".repeat(256)) },
  { field: "author", value: '"a\\tb"' },
  { field: "author", value: '"a\\ud83d"' },
  { field: "author", value: '"\\u3164\\u200b"' },
  { field: "author", value: '"a\\u2028b"' },
  { field: "author", value: "7" },
  { field: "author", value: "null" },
  { field: "year", value: '"1949"' },
  { field: "year", value: '""' },
  { field: "year", value: "1.5" },
  { field: "year", value: "-4001" },
  { field: "year", value: "10000" },
  { field: "year", value: "1e400" },
  { field: "year", value: "null" },
  { field: "year", value: "true" },
  { field: "year", value: "[1949]" },
];

const UNKNOWN_FIELDS = ["id", "created_at", "updated_at", "isbn", "Title", "constructor"];

const TAKEN_VALUES: { what: string; fields: Partial<Book>; kept?: Partial<Book> }[] = [
  { what: "a title of one character", fields: { title: "x" } },
  { what: "a title of 255 characters", fields: { title: "x".repeat(255) } },
  { what: "a title of 255 emoji", fields: { title: "😀".repeat(255) } },
  {
    what: "spaces around a title of 255 characters",
    fields: { title: `  ${"x".repeat(255)}  ` },
    kept: { title: "x".repeat(255) },
  },
  {
    what: "spaces around title and author",
    fields: { title: "  Two  words ", author: " Ann " },
    kept: { title: "Two  words", author: "Ann" },
  },
  { what: "markup and quotes", fields: { title: `<b>"it's"</b> & \\; DROP TABLE books; --` } },
  { what: "letters of many scripts", fields: { title: "Łódź 東京 Ὀδυσσεύς हिन्दी", author: "李" } },
  {
    what: "letters with combining marks, composed",
    fields: { title: "Cafe\u0301", author: "Zoe\u0308" },
    kept: { title: "Caf\u00e9", author: "Zo\u00eb" },
  },
  {
    what: "255 letters with combining marks",
    fields: { title: "e\u0301".repeat(255) },
    kept: { title: "\u00e9".repeat(255) },
  },
  { what: "emoji with joiners and selectors", fields: { title: "👩‍👩‍👧 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿" } },
  {
    what: "Persian with its joiner",
    fields: { title: "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645" },
  },
  { what: "text with marks of direction", fields: { title: "\u2067\u05d0\u2069 \u200fa" } },
  { what: "the year -4000", fields: { year: -4000 } },
  { what: "the year 0", fields: { year: 0 } },
  { what: "the year 9999", fields: { year: 9999 } },
];

/** One field of a valid book replaced with this JSON text. */
function bookTextWith(field: string, value: string): string {
  const { [field]: _, ...rest } = bookFields() as Record<string, unknown>;
  return `${JSON.stringify(rest).slice(0, -1)},"${field}":${value}}`;
}

export function booksContract(api: Api): void {
  for (const books of BOOKS) {
    describe(books, () => {
      test("POST answers 201 with the book, its Location and its ETag", async () => {
        const fields = bookFields();
        const response = await api.post(books, fields);
        expect(response.status).toBe(201);
        const etag = etagOf(response);
        const book = await readJson<Book>(response);
        requireBook(book, fields);
        expect(book.updated_at).toBe(book.created_at);
        const location = resolvePath(response.headers.get("Location"), books);
        expect(location).toBe(`${books}/${book.id}`);

        const read = await api.get(location);
        expect(read.status).toBe(200);
        expect(etagOf(read)).toBe(etag);
        expect(await readJson<Book>(read)).toEqual(book);
      });

      test("a book made here is the same book at the other path", async () => {
        const response = await api.post(books, bookFields());
        const book = await readJson<Book>(response);
        for (const path of BOOKS) {
          const read = await api.get(`${path}/${book.id}`);
          expect(etagOf(read)).toBe(etagOf(response));
          expect(await readJson<Book>(read)).toEqual(book);
        }
      });

      test("PUT and PATCH change a book, DELETE removes it", async () => {
        const { id } = await createBook(api);
        expect((await api.put(`${books}/${id}`, { year: 1 })).status).toBe(200);
        expect((await api.patch(`${books}/${id}`, { title: "New" })).status).toBe(200);
        requireBook(await readBook(api, id), { id, year: 1, title: "New" });
        await expectNoBody(await api.remove(`${books}/${id}`), 204);
        await expectProblem(await api.get(`${books}/${id}`), 404, "Book not found");
      });

      test("GET lists books", async () => {
        const book = await createBook(api);
        const query = new URLSearchParams({ author: book.author });
        const response = await api.get(`${books}?${query}`);
        expect(response.status).toBe(200);
        expect(await readJson<unknown>(response)).toEqual({ items: [book], next_cursor: null });
      });
    });
  }

  describe("a book that is not there", () => {
    for (const id of NO_IDS) {
      test(`${id.slice(0, 20)} is no id: every method is a 404`, async () => {
        const path = `/books/${id}`;
        await expectProblem(await api.get(path), 404, "Book not found");
        await expectProblem(await api.put(path, { year: 1 }), 404, "Book not found");
        await expectProblem(await api.patch(path, { year: 1 }), 404, "Book not found");
        await expectProblem(await api.remove(path), 404, "Book not found");
      });
    }

    test("a deleted book is a 404 for every method", async () => {
      const path = await missingBook(api);
      await expectProblem(await api.get(path), 404, "Book not found");
      await expectProblem(await api.put(path, { year: 1 }), 404, "Book not found");
      await expectProblem(await api.patch(path, { year: 1 }), 404, "Book not found");
      await expectProblem(await api.remove(path), 404, "Book not found");
      expect((await api.head(path)).status).toBe(404);
    });

    test("of many DELETEs at once, one is a 204 and the others are 404", async () => {
      const { id } = await createBook(api);
      const responses = await Promise.all(
        Array.from({ length: 8 }, () => api.remove(`/books/${id}`)),
      );
      const statuses = responses.map((response) => response.status).sort();
      expect(statuses).toEqual([204, ...Array<number>(7).fill(404)]);
    });
  });

  describe("ids", () => {
    test("a deleted book's id is not given again", async () => {
      const first = await createBook(api);
      await deleteBook(api, first);
      const second = await createBook(api);
      expect(second.id).toBeGreaterThan(first.id);
      await expectProblem(await api.get(`/books/${first.id}`), 404, "Book not found");
    });

    test("books made at once get ids of their own", async () => {
      const books = await Promise.all(Array.from({ length: 20 }, () => createBook(api)));
      expect(new Set(ids(books)).size).toBe(20);
    });
  });

  describe("fields", () => {
    const changes = [
      { method: "POST", path: async () => "/books" },
      { method: "PUT", path: async () => `/books/${(await createBook(api)).id}` },
      { method: "PATCH", path: async () => `/books/${(await createBook(api)).id}` },
    ];

    for (const { method, path } of changes) {
      for (const { field, value } of REFUSED_VALUES) {
        const shown = value.length > 20 ? `of ${[...value].length - 2} characters` : value;
        test(`${method} refuses the ${field} ${shown}`, async () => {
          const text = bookTextWith(field, value);
          await expectInvalid(await api.text(method, await path(), text), field);
        });
      }

      for (const field of UNKNOWN_FIELDS) {
        test(`${method} refuses the unknown field ${field} by name`, async () => {
          const body = { ...bookFields(), [field]: 1 };
          await expectInvalid(await api.text(method, await path(), JSON.stringify(body)), field);
        });
      }

      test(`${method} names every problem at once`, async () => {
        const body = JSON.stringify({ title: "", author: 5, year: "x", isbn: 1 });
        const response = await api.text(method, await path(), body);
        await expectInvalid(response, "title", "author", "year", "isbn");
      });

      for (const body of ["[]", '"x"', "5", "true"]) {
        test(`${method} refuses ${body}, which is no object`, async () => {
          await expectInvalid(await api.text(method, await path(), body), "");
        });
      }

      for (const { what, fields, kept = fields } of TAKEN_VALUES) {
        test(`${method} takes ${what}`, async () => {
          const text = JSON.stringify({ ...bookFields(), ...fields });
          const response = await api.text(method, await path(), text);
          expect(response.status).toBe(method === "POST" ? 201 : 200);
          const book = await readJson<Book>(response);
          requireBook(book, kept);
          expect(await readBook(api, book.id)).toEqual(book);
        });
      }
    }

    for (const field of ["title", "author", "year"]) {
      test(`POST needs ${field}`, async () => {
        const { [field]: _, ...rest } = bookFields() as Record<string, unknown>;
        await expectInvalid(await api.post("/books", rest), field);
      });
    }

    test("POST of {} misses all three fields", async () => {
      await expectInvalid(await api.post("/books", {}), "title", "author", "year");
    });

    test("a refused POST makes no book", async () => {
      const author = uniqueWord();
      await expectInvalid(await api.post("/books", { title: "", author, year: 1 }), "title");
      const response = await api.get(`/books?author=${author}`);
      expect(await readJson<unknown>(response)).toEqual({ items: [], next_cursor: null });
    });
  });

  for (const method of ["PUT", "PATCH"]) {
    describe(method, () => {
      const change = (id: number, fields: Partial<Book>) =>
        api.text(method, `/books/${id}`, JSON.stringify(fields));

      const changes: Partial<Book>[] = [
        { title: "Another title" },
        { author: "Another author" },
        { year: -500 },
        { title: "Both", year: 12 },
        { title: "All", author: "Three", year: 3 },
      ];
      for (const fields of changes) {
        test(`changes only ${Object.keys(fields).join(", ")}`, async () => {
          const before = await createBook(api);
          const response = await change(before.id, fields);
          expect(response.status).toBe(200);
          const etag = etagOf(response);
          const after = await readJson<Book>(response);
          requireBook(after, fields);
          expect(after).toEqual({ ...before, ...fields, updated_at: after.updated_at });

          const read = await api.get(`/books/${before.id}`);
          expect(etagOf(read)).toBe(etag);
          expect(await readJson<Book>(read)).toEqual(after);
        });
      }

      test("refuses to change nothing", async () => {
        const { id } = await createBook(api);
        await expectProblem(await change(id, {}), 400, "Validation failed");
      });

      test("moves updated_at and the ETag forward each time", async () => {
        const { id, updated_at } = await createBook(api);
        const times = [updated_at];
        const tags = new Set<string>();
        for (let year = 0; year < 5; year += 1) {
          const response = await change(id, { year });
          tags.add(etagOf(response));
          times.push((await readJson<Book>(response)).updated_at);
        }
        expect(times).toEqual([...new Set(times)].sort());
        expect(times).toHaveLength(6);
        expect(tags.size).toBe(5);
      });

      test("many at once all succeed, each with a time and an ETag of its own", async () => {
        const { id } = await createBook(api);
        const years = Array.from({ length: 10 }, (_, index) => index);
        const responses = await Promise.all(years.map((year) => change(id, { year })));
        for (const response of responses) expect(response.status).toBe(200);
        expect(new Set(responses.map(etagOf)).size).toBe(10);
        const books = await Promise.all(responses.map((response) => readJson<Book>(response)));
        const times = books.map((book) => book.updated_at).sort();
        expect(new Set(times).size).toBe(10);
        const kept = await readBook(api, id);
        expect(books).toContainEqual(kept);
        expect(kept.updated_at).toBe(times.at(-1) ?? "no time");
      });

      test("of different fields at once loses none", async () => {
        const { id } = await createBook(api);
        const fields = { title: "At once", author: "Somebody", year: 77 };
        await Promise.all([
          change(id, { title: fields.title }),
          change(id, { author: fields.author }),
          change(id, { year: fields.year }),
        ]);
        requireBook(await readBook(api, id), fields);
      });
    });
  }
}
