import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { DomainError } from "../src/errors.ts";
import type { Book, BookInput } from "../src/resources/book.ts";
import {
  type BookQuery,
  type BookStore,
  IDEMPOTENCY_WINDOW_MS,
  type Position,
  SORT_FIELDS,
  type Sort,
} from "../src/resources/store.ts";
import { wordsOf } from "../src/resources/words.ts";
import type { Clock } from "../src/time.ts";

export type StoreOptions = { clock: Clock; seedBooks: boolean };

/** A fresh, empty place for books, and the store on it. */
export type OpenedStore = {
  store: BookStore;
  /** Closes the store and opens it again on the same books. Not for one that ends with its process. */
  reopen?: (options: StoreOptions) => Promise<BookStore>;
  close: () => Promise<void>;
};

export type OpenStore = (options: StoreOptions) => Promise<OpenedStore>;

const START = Date.parse("2026-01-01T00:00:00.000Z");
const BY_ID: Sort = { field: "id", descending: false };
const EVERY_SORT: Sort[] = SORT_FIELDS.flatMap((field) => [
  { field, descending: false },
  { field, descending: true },
]);
const DUNE: BookInput = { title: "Dune", author: "Frank Herbert", year: 1965 };
const EMMA: BookInput = { title: "Emma", author: "Jane Austen", year: 1815 };

/**
 * What every store of books does, as one suite for all of them.
 *
 * @param durable whether the store can be reopened: only then are there tests of that.
 */
export function storeContract(name: string, open: OpenStore, { durable }: { durable: boolean }) {
  describe(`${name}: store contract`, () => {
    let now = START;
    let opened: OpenedStore;
    let store: BookStore;
    const clock = () => now;

    beforeEach(async () => {
      now = START;
      opened = await open({ clock, seedBooks: false });
      store = opened.store;
    });

    afterEach(async () => {
      await opened.close();
    });

    const list = (query: Partial<BookQuery> = {}) =>
      store.list({ limit: 1000, sort: BY_ID, words: [], ...query });
    const titles = async (query: Partial<BookQuery> = {}) =>
      (await list(query)).map(({ title }) => title);
    const add = async (input: Partial<BookInput> = {}) =>
      (await store.create({ ...DUNE, ...input })).book;
    const addTitles = async (...all: string[]) => {
      for (const title of all) await add({ title });
    };
    /** Has a pool open its connections, so that what comes next does not queue behind the first. */
    const warmUp = () => Promise.all(Array.from({ length: 20 }, () => store.ping()));
    const reopen = async (options: StoreOptions = { clock, seedBooks: false }) => {
      if (!opened.reopen) throw new Error(`${name} cannot be reopened`);
      store = await opened.reopen(options);
    };

    describe("one book", () => {
      test("is created, and got as it was created", async () => {
        const { book, replayed } = await store.create(DUNE);
        const at = new Date(START).toISOString();
        expect(book).toEqual({ id: 1, ...DUNE, created_at: at, updated_at: at });
        expect(replayed).toBe(false);
        expect(await store.get(1)).toEqual(book);
        expect(await list()).toEqual([book]);
      });

      test("is a plain object of one shape, whatever method it comes from", async () => {
        const { book } = await store.create(DUNE, "key");
        const all = [
          book,
          (await store.create(DUNE, "key")).book,
          await store.get(1),
          ...(await list()),
          await store.update(1, { year: 1966 }),
        ];
        for (const each of all) {
          expect(Object.keys(each ?? {})).toEqual(Object.keys(book));
          expect(Object.getPrototypeOf(each)).toBe(Object.prototype);
        }
        expect(Object.keys(book)).toEqual([
          "id",
          "title",
          "author",
          "year",
          "created_at",
          "updated_at",
        ]);
      });

      test("does not change when a caller changes what it was given", async () => {
        const input = { ...DUNE };
        const { book } = await store.create(input, "key");
        const before = { ...book };
        Object.assign(input, EMMA);
        for (const each of [book, await store.get(1), ...(await list())]) {
          Object.assign(each ?? {}, EMMA);
        }
        expect(await store.get(1)).toEqual(before);
        expect((await store.create(DUNE, "key")).book).toEqual(before);
      });

      test("is not there under another id", async () => {
        await add();
        expect(await store.get(2)).toBeUndefined();
        expect(await store.get(Number.MAX_SAFE_INTEGER)).toBeUndefined();
      });

      test.each([
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
      ])("keeps %s", async (_what, fields) => {
        const book = await add(fields);
        expect(book).toMatchObject(fields);
        expect(await store.get(book.id)).toEqual(book);
        expect((await store.create({ ...DUNE, ...fields }, "key")).replayed).toBe(false);
        expect((await store.create({ ...DUNE, ...fields }, "key")).replayed).toBe(true);
      });

      test("is deleted once", async () => {
        await add();
        expect(await store.delete(1)).toBeUndefined();
        expect(await store.get(1)).toBeUndefined();
        expect(await list()).toEqual([]);
        expect(await code(store.delete(1))).toBe("book_not_found");
        expect(await code(store.update(1, { year: 1 }))).toBe("book_not_found");
      });

      test("is changed in the fields that are given, and in no other", async () => {
        const book = await add();
        let expected: Book = book;
        for (const changes of [{ title: "Arrakis" }, { author: "F. H." }, { year: -1 }, EMMA]) {
          now += 1000;
          const updated_at = new Date(now).toISOString();
          expected = { ...expected, ...changes, updated_at };
          expect(await store.update(1, changes)).toEqual(expected);
          expect(await store.get(1)).toEqual(expected);
        }
      });
    });

    describe("ids", () => {
      test("count up from 1", async () => {
        const ids = [await add(), await add(), await add()].map(({ id }) => id);
        expect(ids).toEqual([1, 2, 3]);
      });

      test("are not reused when the newest book, or every book, is deleted", async () => {
        await add();
        await add();
        await store.delete(2);
        expect((await add()).id).toBe(3);
        await store.delete(1);
        await store.delete(3);
        expect((await add()).id).toBe(4);
      });

      test("differ between books created at the same time", async () => {
        await warmUp();
        const books = await Promise.all(Array.from({ length: 40 }, () => add()));
        expect(new Set(books.map(({ id }) => id)).size).toBe(40);
        expect(await list()).toHaveLength(40);
      });
    });

    describe("updated_at", () => {
      test.each([
        ["stands still", 0],
        ["goes back", -60_000],
        ["goes on by less than a millisecond", 0.25],
      ])("moves on by a millisecond when the clock %s", async (_what, step) => {
        const book = await add();
        for (const later of [1, 2, 3]) {
          now += step;
          const { updated_at, created_at } = await store.update(1, { year: 1965 });
          expect(Date.parse(updated_at)).toBe(START + later);
          expect(created_at).toBe(book.created_at);
        }
      });

      test("is the clock's time when that is later", async () => {
        await add();
        now += 2;
        expect(Date.parse((await store.update(1, { year: 1 })).updated_at)).toBe(now);
      });

      test("differs after each of many changes at once", async () => {
        await add();
        await warmUp();
        const years = Array.from({ length: 20 }, (_, year) => year);
        const changed = await Promise.all(years.map((year) => store.update(1, { year })));
        expect(new Set(changed.map(({ updated_at }) => updated_at)).size).toBe(20);
      });
    });

    describe("list", () => {
      const LIBRARY: BookInput[] = [
        { title: "b", author: "Y", year: 5 },
        { title: "a", author: "Y", year: -5 },
        { title: "a", author: "X", year: 5 },
        { title: "C", author: "x", year: 10 },
        { title: "b", author: "Y", year: 5 },
        { title: "aa", author: "X", year: 9 },
        { title: "é", author: "X Y", year: -10 },
      ];
      const addLibrary = async () => {
        for (const input of LIBRARY) await store.create(input);
      };

      const walk = async (query: Partial<BookQuery> & { limit: number; sort: Sort }) => {
        const books: Book[] = [];
        let after: Position | undefined;
        for (;;) {
          const page = await list({ ...query, after });
          books.push(...page);
          const last = page.at(-1);
          if (!last || page.length < query.limit) return books;
          after = positionOf(last, query.sort);
        }
      };

      test("is empty where there are no books", async () => {
        expect(await list()).toEqual([]);
        expect(await list({ words: ["a"], author: "X", year: 5 })).toEqual([]);
      });

      test.each(EVERY_SORT)("sorts by $field, descending: $descending", async (sort) => {
        await addLibrary();
        const books = await list({ sort });
        expect(books).toHaveLength(LIBRARY.length);
        for (const [index, book] of books.slice(1).entries()) {
          const before = books[index] ?? book;
          expect(inOrder(before, book, sort)).toBe(true);
        }
      });

      test.each(EVERY_SORT)("pages by $field, descending: $descending", async (sort) => {
        await addLibrary();
        const all = await list({ sort });
        for (const limit of [1, 2, 3, LIBRARY.length, LIBRARY.length + 1]) {
          expect(await walk({ sort, limit })).toEqual(all);
        }
      });

      test.each(EVERY_SORT)("pages what is filtered by $field, $descending", async (sort) => {
        await addLibrary();
        for (const filter of [{ author: "Y" }, { year: 5 }, { words: ["x"] }, { words: ["a"] }]) {
          const all = await list({ sort, ...filter });
          expect(all.length).toBeGreaterThan(1);
          expect(all.length).toBeLessThan(LIBRARY.length);
          expect(await walk({ sort, limit: 1, ...filter })).toEqual(all);
        }
      });

      test("goes on behind a position where no book is", async () => {
        await addLibrary();
        const sort: Sort = { field: "title", descending: false };
        expect(await titles({ sort, after: { value: "aZ", id: 99 } })).toEqual([
          "aa",
          "b",
          "b",
          "é",
        ]);
        const down: Sort = { field: "year", descending: true };
        const years = await list({ sort: down, after: { value: 7, id: 1 } });
        expect(years.map(({ year }) => year)).toEqual([5, 5, 5, -5, -10]);
      });

      test.each(EVERY_SORT)(
        "shows each book once while others come and go, by $field, $descending",
        async (sort) => {
          for (let round = 0; round < 4; round += 1) await addLibrary();
          const before = await list({ sort });
          const shown: Book[] = [];
          let after: Position | undefined;
          for (let page = 0; page < 20; page += 1) {
            const books = await list({ sort, after, limit: 3 });
            shown.push(...books);
            const last = books.at(-1);
            if (!last) break;
            after = positionOf(last, sort);
            // The book that the position stands for goes, and others come before and behind it.
            await store.delete(last.id);
            await add({ title: "0", author: "0", year: -100 });
            await add({ title: "zz", author: "zz", year: 100 });
          }
          const ids = shown.map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          const old = shown.filter(({ id }) => id <= before.length);
          expect(old).toEqual(before);
        },
      );

      test("filters by the exact author and year", async () => {
        await addLibrary();
        expect(await titles({ author: "X" })).toEqual(["a", "aa"]);
        expect(await titles({ author: "x" })).toEqual(["C"]);
        expect(await titles({ author: "X " })).toEqual([]);
        expect(await titles({ author: "%" })).toEqual([]);
        expect(await titles({ author: "" })).toEqual([]);
        expect(await titles({ year: 5 })).toEqual(["b", "a", "b"]);
        expect(await titles({ year: 0 })).toEqual([]);
        expect(await titles({ author: "Y", year: 5, words: ["b"] })).toEqual(["b", "b"]);
        expect(await titles({ author: "X", words: ["aa"], year: 9 })).toEqual(["aa"]);
      });

      test("takes composed and decomposed accents for different authors", async () => {
        await add({ author: "Ren\u00e9" });
        await add({ author: "Rene\u0301" });
        expect(await list({ author: "Rene\u0301" })).toHaveLength(1);
      });

      test.each([
        { field: "title", descending: false },
        { field: "author", descending: true },
      ] as Sort[])("sorts $field by code point", async (sort) => {
        // In UTF-16 units 😀 would come before U+FFFD, in a dictionary é before f and a before B.
        const expected = [
          "A",
          "B",
          "Z",
          "a",
          "aa",
          "a\u0301",
          "b",
          "z",
          "~",
          "\u00a1",
          "\u00e9",
          "\u0416",
          "\ud7ff",
          "\ue000",
          "\ufffd",
          "\uffff",
          "\u{10000}",
          "\u{1f600}",
          "\u{1f600}a",
          "\u{10ffff}",
        ];
        for (const text of [...expected].reverse()) await add({ title: text, author: text });
        if (sort.descending) expected.reverse();
        const all = await list({ sort });
        expect(all.map((book) => book[sort.field])).toEqual(expected);
        expect(await walk({ sort, limit: 2 })).toEqual(all);
      });

      test("gives no more books than asked for", async () => {
        await addLibrary();
        for (const limit of [1, 2, 6]) expect(await list({ limit })).toHaveLength(limit);
      });
    });

    describe("words", () => {
      const search = (q: string) => titles({ words: wordsOf(q) });

      test.each([
        ["a whole word", "Dune", "Dune"],
        ["the start of a word", "Mockingbird", "mock"],
        ["one letter", "Mockingbird", "M"],
        ["several words in any order", "To Kill a Mockingbird", "mock to kill"],
        ["words of title and author together", "Dune", "herb dun fra"],
        ["one word twice", "Dune", "dune dune"],
        ["whatever case", "STRAßE", "strasse"],
        ["whatever accents", "Café", "cafe"],
        ["stroked letters", "Łódź", "lodz"],
        ["a final sigma", "Ὀδυσσεύς", "ΟΔΥΣΣΕΥΣ"],
        ["digits", "Catch-22", "22"],
        ["letters beyond the BMP", "𐐀𐐁𐐂", "𐐨𐐩"],
        ["words that FTS5 knows as operators", "and OR not NEAR", "near and or not"],
        ["words that a stemmer or a stop list would take away", "the running of it", "the it of"],
        ["quotes and operators around words", "Dune", `"dune' & | ! <-> :* ^ () {} - + ~ \\ %`],
        ["Devanagari with its vowel signs", "हिन्दी साहित्य", "हिन्दी"],
        ["a long word by its start", "x".repeat(255), "x".repeat(100)],
        ["a long word as a whole", "x".repeat(255), "x".repeat(255)],
        ["a long word of four-byte letters", "𐐀".repeat(255), "𐐀".repeat(255)],
        ["a word that unfolds beyond what is kept", "\ufdf4".repeat(255), "\ufdf4".repeat(255)],
        ["a start of such a word", "\u3300".repeat(255), "\u3300".repeat(20)],
        ["as many bytes as a title unfolds to", "\u3316".repeat(255), "\u3316".repeat(255)],
        ["18 letters in one, 255 times", "\ufdfa".repeat(255), "\ufdfa".repeat(255)],
        ["as many words as fit", "a ".repeat(127).trim(), "a ".repeat(127)],
        ["many different words", letters(127), letters(127)],
      ])("find %s", async (_what, title, q) => {
        await addTitles("Something else", title);
        expect(await search(q)).toEqual([title]);
      });

      test.each([
        ["the inside of a word", "Mockingbird", "bird"],
        ["a longer word", "Dune", "dunes"],
        ["a word that is not there beside one that is", "Dune", "dune arrakis"],
        ["words run together", "Catch-22", "catch22"],
        ["another word's stem", "run", "running"],
        ["a column's name", "Dune", "title words"],
        ["a long word that differs in its last letter", "x".repeat(255), `${"x".repeat(254)}y`],
      ])("do not find %s", async (_what, title, q) => {
        await addTitles(title);
        expect(await search(q)).toEqual([]);
      });

      test("that are none filter nothing", async () => {
        await addTitles("a", "b");
        expect(await search("!?")).toEqual(["a", "b"]);
      });

      test("find a book whose text has none", async () => {
        await store.create({ title: "!?", author: "…", year: 1 });
        expect(await search("")).toEqual(["!?"]);
        expect(await search("a")).toEqual([]);
      });

      test("follow a book through its changes", async () => {
        await add();
        await store.update(1, { title: "Arrakis" });
        expect(await search("dune")).toEqual([]);
        expect(await search("arra frank")).toEqual(["Arrakis"]);
        await store.update(1, { author: "Somebody" });
        expect(await search("frank")).toEqual([]);
        await store.update(1, { year: 1 });
        expect(await search("arrakis somebody")).toEqual(["Arrakis"]);
        await store.delete(1);
        expect(await search("arrakis")).toEqual([]);
      });
    });

    describe("an idempotency key", () => {
      const books = async () => (await list()).length;

      test("gives the first answer again for the same input", async () => {
        const first = await store.create(DUNE, "key");
        now += 1000;
        expect(await store.create(DUNE, "key")).toEqual({ ...first, replayed: true });
        expect(await store.create({ ...DUNE }, "key")).toEqual({ ...first, replayed: true });
        expect(await books()).toBe(1);
      });

      test("gives the first answer again when the book has changed, or is gone", async () => {
        const first = await store.create(DUNE, "key");
        await store.update(1, EMMA);
        expect(await store.create(DUNE, "key")).toEqual({ ...first, replayed: true });
        expect(await code(store.create(EMMA, "key"))).toBe("idempotency_key_reused");
        await store.delete(1);
        expect(await store.create(DUNE, "key")).toEqual({ ...first, replayed: true });
        expect(await books()).toBe(0);
      });

      test.each([{ title: "dune" }, { author: "Frank  Herbert" }, { year: 1966 }])(
        "refuses another input: %p",
        async (difference) => {
          await store.create(DUNE, "key");
          const another = store.create({ ...DUNE, ...difference }, "key");
          expect(await code(another)).toBe("idempotency_key_reused");
          expect(await books()).toBe(1);
          expect((await store.create(DUNE, "key")).replayed).toBe(true);
        },
      );

      test("is taken as it is", async () => {
        const keys = ["k", "K", " k", "k ", "'k'", '"', "\\", "%", "k".repeat(255)];
        for (const key of keys) expect((await store.create(DUNE, key)).replayed).toBe(false);
        for (const key of keys) expect((await store.create(DUNE, key)).replayed).toBe(true);
        expect(await books()).toBe(keys.length);
      });

      test("has nothing to do with books created without one", async () => {
        await store.create(DUNE, "key");
        expect((await store.create(DUNE)).replayed).toBe(false);
        expect(await books()).toBe(2);
      });

      test("makes one book of many calls at once", async () => {
        await warmUp();
        const calls = Array.from({ length: 20 }, () => store.create(DUNE, "key"));
        const answers = await Promise.all(calls);
        expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
        expect(new Set(answers.map(({ book }) => JSON.stringify(book))).size).toBe(1);
        expect(await books()).toBe(1);
      });

      test("lets one input win of many different ones at once", async () => {
        await warmUp();
        const years = Array.from({ length: 20 }, (_, year) => year);
        const codes = await Promise.all(
          years.map((year) => code(store.create({ ...DUNE, year }, "key"))),
        );
        expect(codes.filter((each) => each === undefined)).toHaveLength(1);
        expect(codes.filter((each) => each === "idempotency_key_reused")).toHaveLength(19);
        expect(await books()).toBe(1);
      });

      test("holds for 24 hours by the clock, and is free from then on", async () => {
        const first = await store.create(DUNE, "key");
        now = START + IDEMPOTENCY_WINDOW_MS - 1;
        expect(await store.create(DUNE, "key")).toEqual({ ...first, replayed: true });
        now = START + IDEMPOTENCY_WINDOW_MS;
        const second = await store.create(EMMA, "key");
        expect(second).toMatchObject({ book: { id: 2, ...EMMA }, replayed: false });
        now += IDEMPOTENCY_WINDOW_MS - 1;
        expect(await store.create(EMMA, "key")).toEqual({ ...second, replayed: true });
      });

      test("holds for 24 hours also when the clock went back in between", async () => {
        await store.create(DUNE, "early");
        now = START - 1000;
        await store.create(DUNE, "late");
        now = START - 1000 + IDEMPOTENCY_WINDOW_MS;
        expect((await store.create(DUNE, "late")).replayed).toBe(false);
        expect((await store.create(DUNE, "early")).replayed).toBe(true);
      });

      test("that has run out stays out of the way, however many have", async () => {
        for (let key = 0; key < 120; key += 1) await store.create(DUNE, `key ${key}`);
        now += IDEMPOTENCY_WINDOW_MS;
        for (const key of [119, 0, 60]) {
          expect((await store.create(EMMA, `key ${key}`)).replayed).toBe(false);
          expect((await store.create(EMMA, `key ${key}`)).replayed).toBe(true);
        }
      });

      test("at once with others after it ran out makes one book", async () => {
        await store.create(DUNE, "key");
        now += IDEMPOTENCY_WINDOW_MS;
        await warmUp();
        const calls = Array.from({ length: 10 }, () => store.create(EMMA, "key"));
        const answers = await Promise.all(calls);
        expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
        expect(await books()).toBe(2);
      });
    });

    describe("a precondition", () => {
      test("lets a change through while the book is as expected", async () => {
        const book = await add();
        const changed = await store.update(1, { year: 1 }, { updatedAt: book.updated_at });
        expect(changed.year).toBe(1);
        await store.delete(1, { updatedAt: changed.updated_at });
        expect(await list()).toEqual([]);
      });

      test("keeps a change from a book that is not as expected any more", async () => {
        const { updated_at } = await add();
        const changed = await store.update(1, { year: 1 });
        const precondition = { updatedAt: updated_at };
        expect(await code(store.update(1, EMMA, precondition))).toBe("precondition_failed");
        expect(await code(store.delete(1, precondition))).toBe("precondition_failed");
        expect(await store.get(1)).toEqual(changed);
      });

      test("on a book that is not there: it is not found", async () => {
        const precondition = { updatedAt: new Date(START).toISOString() };
        expect(await code(store.update(1, EMMA, precondition))).toBe("book_not_found");
        expect(await code(store.delete(1, precondition))).toBe("book_not_found");
      });

      test("lets exactly one of many changes at once win", async () => {
        const { updated_at } = await add();
        await warmUp();
        const years = Array.from({ length: 20 }, (_, year) => year);
        const codes = await Promise.all(
          years.map((year) => code(store.update(1, { year }, { updatedAt: updated_at }))),
        );
        const winner = codes.indexOf(undefined);
        expect(codes.filter((each) => each === undefined)).toHaveLength(1);
        expect(codes.filter((each) => each === "precondition_failed")).toHaveLength(19);
        expect(await store.get(1)).toMatchObject({ year: winner });
      });

      test("lets exactly one win of changes and deletions at once", async () => {
        const { updated_at } = await add();
        await warmUp();
        const precondition = { updatedAt: updated_at };
        const codes = await Promise.all(
          Array.from({ length: 10 }, (_, index) => [
            code(store.update(1, { year: index }, precondition)),
            code(store.delete(1, precondition)),
          ]).flat(),
        );
        expect(codes.filter((each) => each === undefined)).toHaveLength(1);
      });
    });

    describe("seeds", () => {
      const reopened = (seedBooks: boolean) => reopen({ clock, seedBooks });

      test("are two books in an empty store, at its first start", async () => {
        await opened.close();
        opened = await open({ clock, seedBooks: true });
        store = opened.store;
        const at = new Date(START).toISOString();
        const times = { created_at: at, updated_at: at };
        expect(await list()).toEqual([
          { id: 1, title: "1984", author: "George Orwell", year: 1949, ...times },
          { id: 2, title: "To Kill a Mockingbird", author: "Harper Lee", year: 1960, ...times },
        ]);
        expect(await titles({ words: ["orw"] })).toEqual(["1984"]);
        expect((await add()).id).toBe(3);
      });

      test("stay out where they are not asked for", async () => {
        expect(await list()).toEqual([]);
      });

      if (!durable) return;

      test("are not added again", async () => {
        await reopened(true);
        await reopened(true);
        expect(await list()).toHaveLength(2);
      });

      test("do not come back when they were deleted", async () => {
        await reopened(true);
        await store.delete(1);
        await store.delete(2);
        await reopened(true);
        expect(await list()).toEqual([]);
        expect((await add()).id).toBe(3);
      });

      test("do not join books that are there, or were", async () => {
        await add();
        await reopened(true);
        expect(await titles()).toEqual(["Dune"]);
        await store.delete(1);
        await reopened(true);
        expect(await list()).toEqual([]);
      });
    });

    test("answers a ping", async () => {
      await store.ping();
    });

    if (!durable) return;

    describe("reopened", () => {
      test("has every book and every answer", async () => {
        const first = await store.create(DUNE, "key");
        await add(EMMA);
        const changed = await store.update(2, { year: 1 });
        await add();
        await store.delete(3);
        await reopen();
        expect(await list()).toEqual([first.book, changed]);
        expect(await titles({ words: ["emma"] })).toEqual(["Emma"]);
        expect(await store.create(DUNE, "key")).toEqual({ ...first, replayed: true });
        expect((await add()).id).toBe(4);
      });
    });
  });
}

/** The code of the domain error that an operation fails with; any other error is a failure. */
async function code(operation: Promise<unknown>): Promise<string | undefined> {
  try {
    await operation;
    return undefined;
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
}

function positionOf(book: Book, { field }: Sort): Position {
  return { value: book[field], id: book.id };
}

function inOrder(left: Book, right: Book, { field, descending }: Sort): boolean {
  const order =
    typeof left[field] === "number"
      ? Number(left[field]) - Number(right[field])
      : byBytes(String(left[field]), String(right[field]));
  const ascending = order || left.id - right.id;
  return descending ? ascending > 0 : ascending < 0;
}

/** The order of UTF-8 bytes, which is that of code points. */
function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** So many different words of one letter. */
function letters(count: number): string {
  const words = Array.from({ length: count }, (_, index) => String.fromCodePoint(0x4e00 + index));
  return words.join(" ");
}
