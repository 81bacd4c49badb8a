import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { inTemporaryDirectory } from "../../../test/service.ts";
import { books } from "../../books.ts";
import { createD1Database, type D1Binding, type D1Statement } from "../../database/d1.ts";
import { inTransaction, type SqliteConnection, type SqliteValue } from "../../database/sqlite.ts";
import { openSqliteDatabase } from "../../server/database/sqlite.ts";
import type { ListQuery } from "../store.ts";
import { termsOf } from "../words.ts";
import { createStore, type StoreOf } from "./create-store.ts";

// Each write of D1 waits for the disk.
setDefaultTimeout(30_000);

const DUNE = { title: "Dune", author: "Frank Herbert", year: 1965 };

type Books = StoreOf<typeof books>;

type Opened = {
  store: Books;
  /** Another user of the same database. */
  other: Books;
  ping: () => Promise<unknown>;
  /** Is called right before each batch. */
  beforeBatch: (interfere: () => Promise<unknown>) => void;
};

/** A SQLite file with the interface of D1, on which a test chooses the order of events. */
async function withStore(use: (opened: Opened) => Promise<void>) {
  await inTemporaryDirectory(async (directory) => {
    const file = openSqliteDatabase(join(directory, "books.db"));
    await file.migrate();
    let interfere: () => Promise<unknown> = async () => {};
    const database = createD1Database(asD1(file.connection, () => interfere()));
    await use({
      store: createStore(database, books),
      other: createStore(file, books),
      ping: database.ping,
      beforeBatch: (next) => {
        interfere = next;
      },
    });
    await database.close();
    await file.close();
  });
}

type Prepared = D1Statement & { run: () => Record<string, unknown>[] };

function asD1(file: SqliteConnection, beforeBatch: () => Promise<unknown>): D1Binding {
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

const titles = async (store: Books, q: string) => {
  const sort = { field: "id", descending: false };
  const query: ListQuery = { limit: 10, sort, words: termsOf(q), filters: {} };
  return (await store.list(query)).map(({ title }) => title);
};

test("a change begins again where another one comes between", async () => {
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
      cause: { message: "book 1 changed 10 times in the meantime" },
    });
    expect(await other.get(1)).toMatchObject({ title: "Arrakis 10", author: "Frank Herbert" });
  });
});

const WRITES: Record<string, (store: Books, updatedAt: string) => Promise<unknown>> = {
  "a change": (store, updatedAt) => store.update(1, { year: 1 }, { updatedAt }),
  "a deletion": (store, updatedAt) => store.delete(1, { updatedAt }),
};

for (const [what, write] of Object.entries(WRITES)) {
  test(`${what} with a precondition fails where the entry changes just before`, async () => {
    await withStore(async ({ store, other, beforeBatch }) => {
      const { entry } = await other.create(DUNE);
      beforeBatch(() => other.update(1, { author: "Nobody" }));
      const written = write(store, entry.updated_at);
      await expect(written).rejects.toMatchObject({ code: "precondition_failed" });
      expect(await titles(store, "dune nobody")).toEqual(["Dune"]);
    });
  });

  test(`${what} finds no entry that is deleted just before`, async () => {
    await withStore(async ({ store, other, beforeBatch }) => {
      const { entry } = await other.create(DUNE);
      let come = () => other.delete(1);
      beforeBatch(async () => {
        await come();
        come = async () => {};
      });
      const written = write(store, entry.updated_at);
      await expect(written).rejects.toMatchObject({ code: "entry_not_found" });
    });
  });
}

test("samples that come together are added once", async () => {
  await withStore(async ({ store }) => {
    const samples = [DUNE, { ...DUNE, title: "Emma" }];
    await Promise.all(Array.from({ length: 5 }, () => store.addSamples(samples)));
    expect(await titles(store, "")).toEqual(["Dune", "Emma"]);
    expect(await titles(store, "emma")).toEqual(["Emma"]);
  });
});

test("a database that cannot be reached is unavailable, until it can", async () => {
  const cause = new Error("D1_ERROR: Network connection lost.");
  await withStore(async ({ store, beforeBatch }) => {
    beforeBatch(() => Promise.reject(cause));
    const unavailable = { code: "store_unavailable", cause };
    await expect(store.addSamples([DUNE])).rejects.toMatchObject(unavailable);
    await expect(store.create(DUNE)).rejects.toMatchObject(unavailable);
    beforeBatch(async () => {});
    expect(await titles(store, "")).toEqual([]);
    await store.addSamples([DUNE]);
    expect(await titles(store, "")).toEqual(["Dune"]);
  });
});

test("a database that cannot be reached answers no ping, and one without the schema neither", async () => {
  const failing = (message: string) =>
    createD1Database({
      prepare: () => {
        throw new Error(message);
      },
      batch: async () => [],
    });
  for (const message of ["Network connection lost.", "no such table: idempotency_keys"]) {
    await expect(failing(message).ping()).rejects.toMatchObject({ code: "store_unavailable" });
  }
  await withStore(async ({ ping }) => expect(await ping()).toBe("ok"));
  expect(await failing("").migrate()).toBe(0);
});
