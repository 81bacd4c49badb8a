import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBooks } from "../../../test/created-books.ts";
import { books } from "../../books.ts";
import { createMemoryDatabase } from "../../database/memory.ts";
import { openSqliteDatabase } from "../../server/database/sqlite.ts";
import { createSqliteTransfer } from "../../transfer/sqlite.ts";
import type { EntryOf } from "../resource.ts";
import type { ListQuery } from "../store.ts";
import { createStore } from "./create-store.ts";

setDefaultTimeout(60_000);

/** More than a list looks at in its first step, and more than are listed without the reader. */
const BOOKS = 12_000;

const directory = mkdtempSync(join(tmpdir(), "thimble-lists-"));
const database = openSqliteDatabase(join(directory, "books.db"));
const inSqlite = createStore(database, books);
const inMemory = createStore(createMemoryDatabase(), books, () => 0);
const all: EntryOf<typeof books>[] = [];

beforeAll(async () => {
  await database.migrate();
  const { next } = createBooks();
  for (let id = 1; id <= BOOKS; id += 1) all.push((await inMemory.create(next())).entry);
  const transfer = createSqliteTransfer(database.connection, {
    resources: [books],
    clock: Date.now,
  });
  await transfer.write([books], async (loader) => {
    await loader.reserveIds(books, BOOKS);
    await loader.add(books, all);
  });
});

afterAll(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

/** Every author with how many books, the most frequent first. */
const authors = () => {
  const counts = new Map<string, number>();
  for (const { author } of all) counts.set(author, (counts.get(author) ?? 0) + 1);
  return [...counts].sort(([, left], [, right]) => right - left).map(([author]) => author);
};

const WORDS = [["b"], ["ba", "k"], ["ba", "ko", "mi", "ru"], ["bamikoru"], ["nothing"], []];
const SORTS = ["id", "title", "author", "year"].flatMap((field) => [
  { field, descending: false },
  { field, descending: true },
]);

async function expectSame(query: ListQuery): Promise<EntryOf<typeof books>[]> {
  const rows = await inSqlite.list(query);
  expect(rows).toEqual(await inMemory.list(query));
  return rows;
}

describe("a list of a large table is what it is in memory", () => {
  for (const words of WORDS) {
    for (const sort of SORTS) {
      const name = `of [${words}] by ${sort.descending ? "-" : ""}${sort.field}`;
      test(`${name}, whatever the filter`, async () => {
        const [frequent = "", rare] = [authors()[0], authors().at(-1)];
        for (const filters of [
          {},
          { author: frequent },
          { author: rare ?? "" },
          { author: "Nobody" },
          { year: 1500 },
          { author: frequent, year: all.find(({ author }) => author === frequent)?.year ?? 0 },
        ]) {
          await expectSame({ limit: 51, words, sort, filters });
        }
      });
    }
  }

  test("page by page to its end", async () => {
    const sort = { field: "title", descending: true };
    let query: ListQuery = { limit: 200, words: ["ba", "k"], sort, filters: {} };
    let count = 0;
    for (;;) {
      const rows = await expectSame(query);
      count += rows.length;
      const last = rows.at(-1);
      if (!last) break;
      query = { ...query, after: { value: last.title, id: last.id } };
    }
    expect(count).toBeGreaterThan(1000);
  });
});

test("a list that waits for another one is given up at its deadline", async () => {
  const query = { limit: 51, words: ["b"], sort: { field: "id", descending: false }, filters: {} };
  const first = inSqlite.list(query);
  const late = inSqlite.list(query, { deadline: performance.now() });
  await expect(late).rejects.toMatchObject({ code: "request_timeout" });
  expect(await first).toHaveLength(51);
});
