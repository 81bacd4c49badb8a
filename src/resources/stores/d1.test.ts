import { expect, test } from "bun:test";
import { join } from "node:path";
import { inTemporaryDirectory } from "../../../test/service.ts";
import type { D1Database, D1Statement } from "../../database/d1.ts";
import { sqliteMigrations } from "../../database/migrations/sqlite.ts";
import {
  inTransaction,
  migrateSqlite,
  type SqliteDatabase,
  type SqliteValue,
} from "../../database/sqlite.ts";
import { openSqliteFile } from "../../server/database/sqlite-file.ts";
import type { BookInput } from "../book.ts";
import type { BookStore } from "../store.ts";
import { wordsOf } from "../words.ts";
import { createD1BookStore } from "./d1.ts";
import { createSqliteBookStore } from "./sqlite.ts";

const DUNE: BookInput = { title: "Dune", author: "Frank Herbert", year: 1965 };

type Opened = {
  store: BookStore;
  /** Another user of the same database. */
  other: BookStore;
  /** Is called right before each batch. */
  beforeBatch: (interfere: () => Promise<unknown>) => void;
};

/** A SQLite file behind the interface of D1, on which the order of what happens can be chosen. */
async function withStore(use: (opened: Opened) => Promise<void>, seed: BookInput[] = []) {
  await inTemporaryDirectory(async (directory) => {
    const file = openSqliteFile(join(directory, "books.db"));
    inTransaction(file, () => migrateSqlite(file, sqliteMigrations));
    let interfere: () => Promise<unknown> = async () => {};
    const database = asD1(file, () => interfere());
    await use({
      store: createD1BookStore({ database, clock: Date.now, seed }),
      other: createSqliteBookStore(file, Date.now),
      beforeBatch: (next) => {
        interfere = next;
      },
    });
    file.close();
  });
}

type Prepared = D1Statement & { run: () => Record<string, unknown>[] };

function asD1(file: SqliteDatabase, beforeBatch: () => Promise<unknown>): D1Database {
  const prepare = (sql: string, ...values: SqliteValue[]): Prepared => {
    const run = () => file.prepare(sql).all(...values);
    return { run, bind: (...next) => prepare(sql, ...next), all: async () => ({ results: run() }) };
  };
  return {
    prepare: (sql) => prepare(sql),
    batch: async (statements) => {
      await beforeBatch();
      const prepared = statements as Prepared[];
      return inTransaction(file, () => prepared.map(({ run }) => ({ results: run() })));
    },
  };
}

const titles = async (store: BookStore, q: string) => {
  const sort = { field: "id", descending: false } as const;
  const books = await store.list({ limit: 10, sort, words: wordsOf(q) });
  return books.map(({ title }) => title);
};

test("a change begins anew where another one comes between", async () => {
  await withStore(async ({ store, other, beforeBatch }) => {
    await other.create(DUNE);
    let interferences = 0;
    beforeBatch(async () => {
      interferences += 1;
      if (interferences <= 2) await other.update(1, { title: `Arrakis ${interferences}` });
    });
    const changed = await store.update(1, { author: "Nobody" });
    expect(changed).toMatchObject({ title: "Arrakis 2", author: "Nobody", year: 1965 });
    expect(await other.get(1)).toEqual(changed);
    expect(await titles(store, "arrakis 2 nobody")).toEqual(["Arrakis 2"]);
    expect(await titles(store, "dune")).toEqual([]);
    expect(await titles(store, "frank")).toEqual([]);
    expect(interferences).toBe(3);
  });
});

test("a change of the year between others of it leaves theirs alone", async () => {
  await withStore(async ({ store, other, beforeBatch }) => {
    await other.create(DUNE);
    beforeBatch(() => other.update(1, { year: 1 }));
    expect(await store.update(1, { title: "Arrakis" })).toMatchObject({
      title: "Arrakis",
      year: 1,
    });
  });
});

test("a change that others come before every time is refused at last", async () => {
  await withStore(async ({ store, other, beforeBatch }) => {
    await other.create(DUNE);
    let interferences = 0;
    beforeBatch(async () => {
      interferences += 1;
      await other.update(1, { title: `Arrakis ${interferences}` });
    });
    await expect(store.update(1, { author: "Nobody" })).rejects.toMatchObject({
      code: "store_unavailable",
      cause: { message: "Book 1 changed 10 times meanwhile" },
    });
    expect(await other.get(1)).toMatchObject({ title: "Arrakis 10", author: "Frank Herbert" });
  });
});

const WRITES: Record<string, (store: BookStore, updatedAt: string) => Promise<unknown>> = {
  "a change": (store, updatedAt) => store.update(1, { year: 1 }, { updatedAt }),
  "a deletion": (store, updatedAt) => store.delete(1, { updatedAt }),
};

for (const [what, write] of Object.entries(WRITES)) {
  test(`${what} with a precondition fails where the book changes just before`, async () => {
    await withStore(async ({ store, other, beforeBatch }) => {
      const { book } = await other.create(DUNE);
      beforeBatch(() => other.update(1, { author: "Nobody" }));
      const written = write(store, book.updated_at);
      await expect(written).rejects.toMatchObject({ code: "precondition_failed" });
      expect(await titles(store, "dune nobody")).toEqual(["Dune"]);
    });
  });

  test(`${what} finds no book that is deleted just before`, async () => {
    await withStore(async ({ store, other, beforeBatch }) => {
      const { book } = await other.create(DUNE);
      let come = () => other.delete(1);
      beforeBatch(async () => {
        await come();
        come = async () => {};
      });
      const written = write(store, book.updated_at);
      await expect(written).rejects.toMatchObject({ code: "book_not_found" });
    });
  });
}

test("first calls that come together seed an empty database once", async () => {
  const seed = [DUNE, { ...DUNE, title: "Emma" }];
  await withStore(async ({ store }) => {
    const calls = Array.from({ length: 5 }, () => titles(store, ""));
    for (const listed of await Promise.all(calls)) expect(listed).toEqual(["Dune", "Emma"]);
    expect(await titles(store, "emma")).toEqual(["Emma"]);
  }, seed);
});

test("a database that cannot be reached is unavailable, until it can", async () => {
  const cause = new Error("D1_ERROR: Network connection lost.");
  await withStore(
    async ({ store, beforeBatch }) => {
      beforeBatch(() => Promise.reject(cause));
      const unavailable = { code: "store_unavailable", cause };
      await expect(store.ping()).rejects.toMatchObject(unavailable);
      await expect(store.create(DUNE)).rejects.toMatchObject(unavailable);
      beforeBatch(async () => {});
      expect(await titles(store, "")).toEqual(["Dune"]);
      await store.close();
    },
    [DUNE],
  );
});
