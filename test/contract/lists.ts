import { describe, expect } from "bun:test";
import {
  type Api,
  BOOKS,
  type Book,
  type BookFields,
  createBook,
  createBooks,
  deleteBook,
  firstCursor,
  listBooks,
  type Page,
  type Query,
  readJson,
  resolvePath,
  uniqueWord,
  walk,
  withQuery,
} from "./api.ts";
import { test } from "./case.ts";
import { expectInvalid, ids } from "./expectations.ts";

const SORTS = ["id", "-id", "title", "-title", "author", "-author", "year", "-year"];

/** Below, between and above each other by code point, though not by UTF-16 unit or by locale. */
const WORDS = [
  "b",
  "B",
  "a",
  "Z",
  "é",
  "\u{ff5e}",
  "\u{1f600}",
  "10",
  "9",
  "a b",
  "a-b",
  "ab",
  "a",
];
const YEARS = [5, -4000, 9999, 5, 0, -1, 5, 10, 9];

function compareByCodePoint(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => Array.from(text, (char) => char.codePointAt(0) ?? 0));
  for (const [index, point] of (a ?? []).entries()) {
    const difference = point - (b?.[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return (a?.length ?? 0) - (b?.length ?? 0);
}

/** The order the service promises: by the field, then by id, both in the same direction. */
function compareBooks(sort: string): (left: Book, right: Book) => number {
  const direction = sort.startsWith("-") ? -1 : 1;
  const field = sort.replace("-", "");
  return (left, right) => {
    const byField =
      field === "title" || field === "author"
        ? compareByCodePoint(left[field], right[field])
        : field === "year"
          ? left.year - right.year
          : 0;
    return direction * (byField || left.id - right.id);
  };
}

/** Two ways to select a case's own books: by a word (search) and by their author (filter). */
const SELECTIONS: { by: string; row: (word: string, index: number) => Partial<BookFields> }[] = [
  {
    by: "q",
    row: (word, index) => ({
      title: `${WORDS[index % WORDS.length]} ${word}`,
      author: `${WORDS[(index * 5) % WORDS.length]}`,
      year: YEARS[index % YEARS.length] ?? 0,
    }),
  },
  {
    by: "author",
    row: (word, index) => ({
      title: `${WORDS[index % WORDS.length]}`,
      author: word,
      year: YEARS[index % YEARS.length] ?? 0,
    }),
  },
];

export function listsContract(api: Api): void {
  /** This many books of one author, who has no others. */
  const booksByOneAuthor = async (count: number) => {
    const author = uniqueWord();
    const books = await createBooks(
      api,
      Array.from({ length: count }, () => ({ author })),
    );
    return { author, books: books.toSorted(compareBooks("id")) };
  };

  const nextLink = (response: Response) =>
    /^<([^<>]+)>; rel="next"$/.exec(response.headers.get("Link") ?? "")?.[1];

  describe("pages", () => {
    test("a page holds 50 books by default, and 200 at most", async () => {
      const { author, books } = await booksByOneAuthor(51);
      const page = await listBooks(api, { author });
      expect(page.items).toEqual(books.slice(0, 50));
      expect(page.next_cursor).toBeString();
      expect(await listBooks(api, { author, limit: "200" })).toEqual({
        items: books,
        next_cursor: null,
      });
    });

    test("a page of long entries is shorter, and the pages together have all of them", async () => {
      const author = uniqueWord();
      const title = "\u8457".repeat(255);
      const rows = Array.from({ length: 100 }, () => ({ author, title }));
      const books = (await createBooks(api, rows)).toSorted(compareBooks("id"));
      const response = await api.get(withQuery("/books", { author, limit: "100" }));
      const first = await response.clone().bytes();
      expect(first.byteLength).toBeWithin(32 * 1024, 65 * 1024);
      expect(nextLink(response)).toBeString();
      expect(await walk(api, { author, limit: "100" })).toEqual(books);
    });

    test("the last page has no next_cursor and no Link, even when it is full", async () => {
      const { author, books } = await booksByOneAuthor(2);
      const response = await api.get(withQuery("/books", { author, limit: "2" }));
      expect(response.headers.get("Link")).toBeNull();
      expect(await readJson<Page>(response)).toEqual({ items: books, next_cursor: null });
    });

    test("an empty list is a page without items", async () => {
      const page = await listBooks(api, { author: uniqueWord() });
      expect(page).toEqual({ items: [], next_cursor: null });
    });

    for (const path of BOOKS) {
      test(`the Link of ${path} carries the whole query on`, async () => {
        const word = uniqueWord();
        const author = `Ünï & ${word}`;
        const books = await createBooks(
          api,
          [3, 1, 2].map((n) => ({ author, title: `${n} ${word}`, year: 7 })),
        );
        const query = { limit: "2", sort: "-title", q: word, author, year: "7" };
        const response = await api.get(withQuery(path, query));
        const page = await readJson<Page>(response);
        const link = resolvePath(nextLink(response), path);
        expect(link).toStartWith(`${path}?`);
        const parameters = new URL(link, "http://localhost").searchParams;
        expect(Object.fromEntries(parameters)).toEqual({
          ...query,
          cursor: page.next_cursor ?? "no cursor",
        });
        const next = await readJson<Page>(await api.get(link));
        expect([...page.items, ...next.items]).toEqual(books.toSorted(compareBooks("-title")));
        expect(next.next_cursor).toBeNull();
      });
    }

    test("a list without a filter goes on where it stopped", async () => {
      await createBooks(api, [{}, {}, {}, {}]);
      const first = await listBooks(api, { sort: "-id", limit: "2" });
      const cursor = first.next_cursor ?? "no cursor";
      const second = await listBooks(api, { sort: "-id", limit: "2", cursor });
      const seen = ids([...first.items, ...second.items]);
      expect(seen).toHaveLength(4);
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => b - a));
    });

    test("the page size may change from page to page", async () => {
      const { author, books } = await booksByOneAuthor(6);
      const cursor = await firstCursor(api, { author, limit: "1" });
      const page = await listBooks(api, { author, limit: "5", cursor });
      expect(page).toEqual({ items: books.slice(1), next_cursor: null });
    });

    test("a cursor may be used again", async () => {
      const { author } = await booksByOneAuthor(4);
      const cursor = await firstCursor(api, { author, limit: "2" });
      const again = { author, limit: "2", cursor };
      expect(await listBooks(api, again)).toEqual(await listBooks(api, again));
    });
  });

  describe("order", () => {
    test("is by id by default", async () => {
      const { author, books } = await booksByOneAuthor(5);
      expect((await listBooks(api, { author })).items).toEqual(books);
    });

    for (const { by, row } of SELECTIONS) {
      for (const sort of SORTS) {
        test(`by ${sort}, ties by id, selected by ${by}, whatever the page size`, async () => {
          const word = uniqueWord();
          const rows = Array.from({ length: 13 }, (_, index) => row(word, index));
          const expected = (await createBooks(api, rows)).toSorted(compareBooks(sort));
          for (const limit of ["1", "4", "13", "200"]) {
            expect(await walk(api, { [by]: word, sort, limit })).toEqual(expected);
          }
        });

        test(`by ${sort}, selected by ${by}, holds while books come and go`, async () => {
          const word = uniqueWord();
          const rows = Array.from({ length: 12 }, (_, index) => row(word, index));
          const before = (await createBooks(api, rows)).toSorted(compareBooks(sort));
          const query = { [by]: word, sort, limit: "5" };
          const first = await listBooks(api, query);
          expect(first.items).toEqual(before.slice(0, 5));

          // One that was seen, the last that was seen (the cursor's own), and one still ahead.
          const gone = before.filter((_, index) => [1, 4, 6].includes(index));
          for (const book of gone) await deleteBook(api, book);
          const added = await createBooks(
            api,
            [0, 1, 2, 3, 4, 5, 6].map((index) => row(word, index)),
          );

          const compare = compareBooks(sort);
          const rest = [...before, ...added]
            .filter((book) => !gone.includes(book))
            .filter((book) => first.items.every((seen) => compare(seen, book) < 0))
            .sort(compare);
          const cursor = first.next_cursor ?? "no cursor";
          const second = await listBooks(api, { ...query, limit: "3", cursor });
          expect(second.items).toEqual(rest.slice(0, 3));
          const third = second.next_cursor ?? "no cursor";
          const end = await listBooks(api, { ...query, limit: "200", cursor: third });
          expect(end).toEqual({ items: rest.slice(3), next_cursor: null });
        });
      }
    }

    test("a cursor outlives every book after it", async () => {
      const { author, books } = await booksByOneAuthor(4);
      const cursor = await firstCursor(api, { author, limit: "2" });
      for (const book of books) await deleteBook(api, book);
      expect(await listBooks(api, { author, cursor })).toEqual({ items: [], next_cursor: null });
    });
  });

  describe("cursors", () => {
    const query = { sort: "title", limit: "1" };

    const otherLists: { what: string; change: (query: Query, word: string) => Query }[] = [
      { what: "another sort", change: (query) => ({ ...query, sort: "year" }) },
      { what: "the other direction", change: (query) => ({ ...query, sort: "-title" }) },
      { what: "the default sort", change: ({ sort: _, ...query }) => query },
      { what: "another q", change: (query, word) => ({ ...query, q: word.slice(0, -1) }) },
      { what: "no q", change: ({ q: _, ...query }) => query },
      { what: "another author", change: (query) => ({ ...query, author: "Ann" }) },
      { what: "no author", change: ({ author: _, ...query }) => query },
      { what: "another year", change: (query) => ({ ...query, year: "8" }) },
      { what: "no year", change: ({ year: _, ...query }) => query },
    ];
    for (const { what, change } of otherLists) {
      test(`one made for this list is refused for ${what}`, async () => {
        const word = uniqueWord();
        const book = { title: word, author: word, year: 7 };
        await createBooks(api, [book, book]);
        const list = { ...query, q: word, author: word, year: "7" };
        const cursor = await firstCursor(api, list);
        expect((await listBooks(api, { ...list, cursor })).items).toHaveLength(1);
        const other = withQuery("/books", { ...change(list, word), cursor });
        await expectInvalid(await api.get(other), "cursor");
      });
    }

    const broken = [
      "x",
      "1",
      "-1",
      "null",
      "{}",
      "%",
      "\u0000",
      "é😀",
      "AAAA",
      btoa("{}"),
      btoa("[]"),
      btoa("null"),
      btoa('["title","a",1]'),
      btoa('{"id":1}'),
      "x".repeat(4000),
    ];
    for (const cursor of broken) {
      test(`${JSON.stringify(cursor.slice(0, 24))} is refused`, async () => {
        await expectInvalid(await api.get(withQuery("/books", { cursor })), "cursor");
      });
    }

    const damages: { what: string; damage: (cursor: string) => string }[] = [
      { what: "half of one", damage: (cursor) => cursor.slice(0, cursor.length / 2) },
      { what: "one backwards", damage: (cursor) => [...cursor].reverse().join("") },
      { what: "one twice over", damage: (cursor) => cursor + cursor },
    ];
    for (const { what, damage } of damages) {
      test(`${what} is refused`, async () => {
        const { author } = await booksByOneAuthor(2);
        const list = { ...query, author };
        const cursor = damage(await firstCursor(api, list));
        await expectInvalid(await api.get(withQuery("/books", { ...list, cursor })), "cursor");
      });
    }
  });

  describe("filters", () => {
    test("author and year select by exact value, alone and together", async () => {
      const author = `Ann ${uniqueWord()}`;
      const year = 5000 + Math.floor(Math.random() * 4000);
      const both = await createBook(api, { author, year });
      await createBooks(api, [
        { author, year: -2 },
        { author: `${author} jr`, year },
        { author: author.toUpperCase(), year },
      ]);
      const authors = (await walk(api, { author })).map((book) => book.author);
      expect(authors).toEqual([author, author]);
      const years = await walk(api, { year: String(year) });
      expect(years.length).toBeGreaterThanOrEqual(3);
      expect(new Set(years.map((book) => book.year))).toEqual(new Set([year]));
      expect(await walk(api, { author, year: String(year) })).toEqual([both]);
    });

    test("spaces around the author do not matter", async () => {
      const book = await createBook(api);
      expect((await listBooks(api, { author: `  ${book.author} ` })).items).toEqual([book]);
    });

    test("an author is the same with composed letters and with accents by themselves", async () => {
      const word = uniqueWord();
      const [composed, decomposed] = [`Zo\u00eb ${word}`, `Zoe\u0308 ${word}`];
      const books = await createBooks(api, [{ author: composed }, { author: decomposed }]);
      for (const author of [composed, decomposed]) {
        expect(ids(await walk(api, { author, sort: "author", limit: "1" }))).toEqual(
          ids(books).sort((a, b) => a - b),
        );
        expect((await listBooks(api, { author, q: word })).items).toHaveLength(2);
      }
    });

    test("an author that nobody can see is refused, as are characters that no text has", async () => {
      for (const author of ["\u200b", "\u3164", "a\u2028b", "a\ufffe", "a\u0000b"]) {
        await expectInvalid(await api.get(withQuery("/books", { author })), "author");
      }
    });

    for (const year of [-4000, 0, 9999]) {
      test(`the year ${year} may be asked for`, async () => {
        const book = await createBook(api, { year });
        const list = { author: book.author, year: String(year) };
        expect((await listBooks(api, list)).items).toEqual([book]);
      });
    }

    test("q, author and year narrow each other", async () => {
      const [word, author] = [uniqueWord(), uniqueWord()];
      const wanted = await createBook(api, { title: word, author, year: 1 });
      await createBooks(api, [
        { title: word, author, year: 2 },
        { title: word, year: 1 },
        { author, year: 1 },
      ]);
      expect(await walk(api, { q: word, author, year: "1" })).toEqual([wanted]);
    });

    test("an author is no pattern", async () => {
      const word = uniqueWord();
      await createBook(api, { author: word });
      for (const author of [`${word.slice(0, -1)}_`, `${word.slice(0, 5)}%`, `${word}*`]) {
        expect((await listBooks(api, { author })).items).toEqual([]);
      }
    });
  });

  describe("parameters", () => {
    const refused = [
      ...["0", "-1", "201", "1.5", "abc", "", "1e1", "0x10", "99999999999999999999"].map(
        (value) => ({ name: "limit", value }),
      ),
      ...["", "isbn", "--id", "ID", "+id", "id,title", "created_at", "title;"].map((value) => ({
        name: "sort",
        value,
      })),
      ...["abc", "1.5", "", "0x10"].map((value) => ({ name: "year", value })),
      { name: "q", value: "x".repeat(256) },
      { name: "page", value: "2" },
      { name: "offset", value: "10" },
      { name: "Limit", value: "1" },
      { name: "constructor", value: "1" },
    ];
    for (const { name, value } of refused) {
      test(`${name}=${value.slice(0, 20)} is refused by name`, async () => {
        await expectInvalid(await api.get(withQuery("/books", { [name]: value })), name);
      });
    }

    for (const name of ["limit", "sort", "q", "author", "year"]) {
      test(`${name} given twice is refused by name`, async () => {
        const value = { limit: "1", sort: "id", year: "1" }[name] ?? "x";
        await expectInvalid(await api.get(`/books?${name}=${value}&${name}=${value}`), name);
      });
    }

    test("every wrong parameter is named at once", async () => {
      const response = await api.get("/books?limit=0&sort=isbn&year=x&page=1");
      await expectInvalid(response, "limit", "sort", "year", "page");
    });

    test("a q of 255 characters is taken, also when each is an emoji", async () => {
      expect((await api.get(withQuery("/books", { q: "x".repeat(255) }))).status).toBe(200);
      expect((await api.get(withQuery("/books", { q: "😀".repeat(255) }))).status).toBe(200);
    });

    for (const limit of ["1", "200"]) {
      test(`limit=${limit} is taken`, async () => {
        expect((await api.get(`/books?limit=${limit}`)).status).toBe(200);
      });
    }
  });
}
