import { describe, expect } from "bun:test";
import {
  type Api,
  BOOKS,
  type Book,
  type BookFields,
  bookFields,
  deleteBook,
  JSON_TYPE,
  listBooks,
  OTHER_KEY,
  readJson,
  uniqueWord,
} from "./api.ts";
import { test } from "./case.ts";
import { expectInvalid, expectProblem, expectUnauthorized, ids } from "./expectations.ts";

export function idempotencyContract(api: Api): void {
  const post = (fields: BookFields, key: string, path = "/books") =>
    api.post(path, fields, { "Idempotency-Key": key });

  const isReplay = (response: Response) => response.headers.get("Idempotency-Replayed") === "true";

  const booksBy = async (author: string) => (await listBooks(api, { author })).items;

  /** The parts of an answer that a replay repeats. */
  const answerOf = async (response: Response) => ({
    status: response.status,
    location: response.headers.get("Location"),
    etag: response.headers.get("ETag"),
    body: await response.text(),
  });

  describe("Idempotency-Key", () => {
    test("a repeat gets the first answer again and makes no second book", async () => {
      const [fields, key] = [bookFields(), uniqueWord()];
      const first = await post(fields, key);
      const second = await post(fields, key);
      const third = await post(fields, key);
      expect(first.status).toBe(201);
      expect([first, second, third].map(isReplay)).toEqual([false, true, true]);
      const answer = await answerOf(first);
      expect(await answerOf(second)).toEqual(answer);
      expect(await answerOf(third)).toEqual(answer);
      expect(await booksBy(fields.author)).toHaveLength(1);
    });

    for (const count of [2, 10]) {
      test(`${count} at once make one book and get one answer`, async () => {
        const [fields, key] = [bookFields(), uniqueWord()];
        const responses = await Promise.all(Array.from({ length: count }, () => post(fields, key)));
        for (const response of responses) expect(response.status).toBe(201);
        expect(responses.filter(isReplay)).toHaveLength(count - 1);
        const answers = await Promise.all(responses.map(answerOf));
        expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
        expect(await booksBy(fields.author)).toHaveLength(1);
      });
    }

    test("another body under the same key is a 422 and makes no book", async () => {
      const [fields, key] = [bookFields(), uniqueWord()];
      expect((await post(fields, key)).status).toBe(201);
      const response = await post({ ...fields, year: 2000 }, key);
      await expectProblem(response, 422, "Idempotency key reused");
      expect(await booksBy(fields.author)).toHaveLength(1);
      expect(isReplay(await post(fields, key))).toBe(true);
    });

    test("of two bodies at once under one key, one is a 201 and one a 422", async () => {
      const [fields, key] = [bookFields(), uniqueWord()];
      const responses = await Promise.all([post(fields, key), post({ ...fields, year: 1 }, key)]);
      expect(responses.map((response) => response.status).sort()).toEqual([201, 422]);
      expect(await booksBy(fields.author)).toHaveLength(1);
    });

    test("other keys, and no key, make other books of one body", async () => {
      const fields = bookFields();
      const responses = await Promise.all([
        post(fields, uniqueWord()),
        post(fields, uniqueWord()),
        api.post("/books", fields),
        api.post("/books", fields),
      ]);
      for (const response of responses) {
        expect(response.status).toBe(201);
        expect(isReplay(response)).toBe(false);
      }
      expect(new Set(ids(await booksBy(fields.author))).size).toBe(4);
    });

    test("keys differ by case", async () => {
      const [fields, key] = [bookFields(), uniqueWord()];
      expect((await post(fields, key)).status).toBe(201);
      expect(isReplay(await post(fields, key.toUpperCase()))).toBe(false);
      expect(await booksBy(fields.author)).toHaveLength(2);
    });

    test("one that another API key has used is free", async () => {
      const [fields, key] = [bookFields(), uniqueWord()];
      const other = { "Idempotency-Key": key, "X-API-Key": OTHER_KEY };
      const mine = await post(fields, key);
      const theirs = await api.post("/books", fields, other);
      expect([mine, theirs].map(({ status }) => status)).toEqual([201, 201]);
      expect([mine, theirs].map(isReplay)).toEqual([false, false]);
      const [first, second] = [await readJson<Book>(mine), await readJson<Book>(theirs)];
      expect(first.id).not.toBe(second.id);
      expect(await readJson<Book>(await post(fields, key))).toEqual(first);
      expect(await readJson<Book>(await api.post("/books", fields, other))).toEqual(second);
      const changed = await api.post("/books", { ...fields, year: 2000 }, other);
      await expectProblem(changed, 422, "Idempotency key reused");
      expect(await booksBy(fields.author)).toHaveLength(2);
    });

    for (const [here, there] of [BOOKS, BOOKS.toReversed()]) {
      test(`a key used at ${here} is known at ${there}`, async () => {
        const [fields, key] = [bookFields(), uniqueWord()];
        const first = await readJson<Book>(await post(fields, key, here));
        const replay = await post(fields, key, there);
        expect(replay.status).toBe(201);
        expect(isReplay(replay)).toBe(true);
        expect(await readJson<Book>(replay)).toEqual(first);
        expect(await booksBy(fields.author)).toHaveLength(1);
      });
    }

    test("the first answer is given again after the book changed", async () => {
      const [fields, key] = [bookFields(), uniqueWord()];
      const answer = await answerOf(await post(fields, key));
      expect(answer.status).toBe(201);
      const { id } = JSON.parse(answer.body) as Book;
      expect((await api.patch(`/books/${id}`, { year: 1 })).status).toBe(200);
      expect(await answerOf(await post(fields, key))).toEqual(answer);
    });

    test("the first answer is given again after the book was deleted", async () => {
      const [fields, key] = [bookFields(), uniqueWord()];
      const answer = await answerOf(await post(fields, key));
      await deleteBook(api, JSON.parse(answer.body) as Book);
      expect(await answerOf(await post(fields, key))).toEqual(answer);
      expect(await booksBy(fields.author)).toEqual([]);
    });

    test("a refused body leaves the key free", async () => {
      const [fields, key] = [bookFields(), uniqueWord()];
      await expectInvalid(await post({ ...fields, title: "" }, key), "title");
      const response = await post(fields, key);
      expect(response.status).toBe(201);
      expect(isReplay(response)).toBe(false);
    });

    test("a refused API key leaves the key free, and gets no replay", async () => {
      const [fields, key] = [bookFields(), uniqueWord()];
      const stranger = () =>
        api.send("/books", {
          method: "POST",
          headers: { ...JSON_TYPE, "Idempotency-Key": key },
          body: JSON.stringify(fields),
        });
      await expectUnauthorized(await stranger(), "API key required");
      const response = await post(fields, key);
      expect(response.status).toBe(201);
      expect(isReplay(response)).toBe(false);
      await expectUnauthorized(await stranger(), "API key required");
    });

    const spellings = [
      { what: "in quotes", bare: (key: string) => key, quoted: (key: string) => `"${key}"` },
      {
        what: "in quotes, with escapes",
        bare: (key: string) => `a"b\\c${key}`,
        quoted: (key: string) => `"a\\"b\\\\c${key}"`,
      },
      {
        what: "in quotes, 255 characters long with every one escaped",
        bare: (key: string) => key + '"'.repeat(231),
        quoted: (key: string) => `"${key}${'\\"'.repeat(231)}"`,
      },
    ];
    for (const { what, bare, quoted } of spellings) {
      test(`one is the same bare and ${what}`, async () => {
        const [fields, word] = [bookFields(), uniqueWord()];
        expect(isReplay(await post(fields, bare(word)))).toBe(false);
        expect(isReplay(await post(fields, quoted(word)))).toBe(true);
        expect(isReplay(await post(fields, bare(word)))).toBe(true);
        expect(await booksBy(fields.author)).toHaveLength(1);
      });
    }

    test("quotes that are not around a string are part of the key", async () => {
      const [fields, word] = [bookFields(), uniqueWord()];
      const keys = [word, `"${word}`, `${word}"`, `"${word}\\"`, `"a"${word}"`];
      for (const key of keys) expect(isReplay(await post(fields, key))).toBe(false);
      for (const key of keys) expect(isReplay(await post(fields, key))).toBe(true);
    });

    const taken = [
      { what: "with punctuation", key: () => `!"#$%&'()*+,-./:;<=>?@[\\]^_{|}~${uniqueWord()}` },
      { what: "255 characters long", key: () => uniqueWord().padEnd(255, "k") },
    ];
    for (const { what, key } of taken) {
      test(`one that is ${what} is taken`, async () => {
        const [fields, chosen] = [bookFields(), key()];
        expect((await post(fields, chosen)).status).toBe(201);
        expect(isReplay(await post(fields, chosen))).toBe(true);
      });
    }

    const refused = [
      { what: "empty", key: "" },
      { what: "empty within its quotes", key: '""' },
      { what: "256 characters long", key: "k".repeat(256) },
      { what: "256 characters long within its quotes", key: `"${"k".repeat(256)}"` },
      { what: "with a letter outside ASCII", key: "caf\u00e9" },
      { what: "with a tab", key: "a\tb" },
    ];
    for (const { what, key } of refused) {
      test(`one that is ${what} is refused`, async () => {
        const fields = bookFields();
        await expectInvalid(await post(fields, key), "Idempotency-Key");
        expect(await booksBy(fields.author)).toEqual([]);
      });
    }
  });
}
