import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import postgres, { type Sql } from "postgres";
import { books } from "../src/books.ts";
import type { Database } from "../src/database/database.ts";
import { createMemoryDatabase } from "../src/database/memory.ts";
import { createStore, type StoreOf } from "../src/resources/stores/create-store.ts";
import { startMaintenance } from "../src/server/maintenance.ts";
import { createLogger } from "../src/telemetry/logger.ts";
import { startService } from "./child-service.ts";
import {
  everyEntry,
  KINDS,
  openPlace,
  openPlaceDatabase,
  type Place,
  sqlitePath,
  withStore,
} from "./data.ts";
import { eventually } from "./service.ts";

setDefaultTimeout(60_000);

const DAY_MS = 86_400_000;
const at = (days: number) => new Date(Date.now() - days * DAY_MS);

/** More than one transaction takes. */
const OLD_BOOKS = 250;

/** Runs statements as another program would. Times are bound as the database keeps them. */
type Run = (sql: string, ...values: (string | number | Date)[]) => Promise<readonly object[]>;

function runOnSqlite(path: string): { run: Run; end: () => Promise<void> } {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA busy_timeout = 5000");
  const bound = (value: string | number | Date) =>
    value instanceof Date ? value.getTime() : value;
  return {
    run: async (sql, ...values) =>
      database.prepare(sql.replaceAll(/\$\d+/g, "?")).all(...values.map(bound)),
    end: async () => database.close(),
  };
}

function runOnPostgres(url: string): { run: Run; end: () => Promise<void> } {
  const sql: Sql = postgres(url, { max: 1, onnotice: () => {} });
  return { run: async (text, ...values) => sql.unsafe(text, values), end: () => sql.end() };
}

for (const kind of KINDS) {
  describe(`maintenance of ${kind}`, () => {
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    let place: Place;
    let database: { run: Run; end: () => Promise<void> };
    let opened: Database;
    let store: StoreOf<typeof books>;
    let stop: () => Promise<void>;

    beforeAll(async () => {
      place = await openPlace(kind);
      const { DATABASE_URL } = place.env;
      await withStore(place, books, async (store) => {
        for (let number = 1; number <= OLD_BOOKS; number += 1) {
          await store.create({ title: `L'Amour ${number}`, author: "Molière", year: 1665 });
        }
      });
      database =
        kind === "SQLite" ? runOnSqlite(sqlitePath(DATABASE_URL)) : runOnPostgres(DATABASE_URL);
      const { run } = database;
      // As an earlier release left them: with words of other rules, and one text that is not composed.
      await run(
        kind === "SQLite"
          ? "UPDATE book_words SET words = 'l amour' WHERE rowid > 0"
          : "UPDATE books SET words = array_to_tsvector('{l,amour}'::text[])",
      );
      await run("UPDATE books SET author = $1 WHERE id = 7", "Molie\u0300re");
      await run("DELETE FROM search_words");
      for (const [name, days] of [
        ["old", 1.1],
        ["new", 0.9],
      ] as const) {
        await run(
          "INSERT INTO idempotency_keys (resource, key, answer, created_at) VALUES ('books', $1, '{}', $2)",
          name,
          at(days),
        );
        await run(
          "INSERT INTO imports (resource, sha256, lines, updated_at) VALUES ('books', $1, 1, $2)",
          name,
          at(days * 7),
        );
      }
      opened = await openPlaceDatabase(place);
      store = createStore(opened, books);
      const logger = createLogger({ level: "INFO", format: "json", clock: Date.now, write: log });
      stop = startMaintenance({
        database: opened,
        resources: [books],
        storeOf: () => store,
        logger,
        firstAfterMs: 0,
      });
    });

    afterAll(async () => {
      await stop();
      await opened.close();
      await database.end();
      await place.drop();
    });

    const namesOf = async (column: string, table: string) =>
      (await database.run(`SELECT ${column} AS name FROM ${table}`)).map((row) => ({ ...row }));

    test("finds the entries of earlier releases by the words of this one", async () => {
      await eventually("all words", async () => {
        const [state] = await database.run("SELECT version, after_id FROM search_words");
        return state && "after_id" in state && state.after_id === null ? true : undefined;
      });
      expect(await store.list(everyEntry(["lamour"]))).toHaveLength(200);
      expect(await store.list(everyEntry(["lamour", "250"]))).toHaveLength(1);
      const filters = { author: "Moli\u00e8re" };
      // 7 itself, and 70 to 79.
      expect(await store.list({ ...everyEntry(["7"]), filters })).toHaveLength(11);
      expect(lines).toContainEqual(expect.stringContaining("writing the words of entries again"));
    });

    test("composes the texts of earlier releases, and changes nothing else", async () => {
      const entry = await store.get(7);
      expect(entry?.author).toBe("Moli\u00e8re");
      expect(entry?.updated_at).not.toBe(entry?.created_at ?? "");
      const other = await store.get(8);
      expect(other?.updated_at).toBe(other?.created_at ?? "");
    });

    test("removes what has expired, without any request", async () => {
      await eventually("the end of what has expired", async () => {
        const keys = await namesOf("key", "idempotency_keys");
        return keys.length === 1 ? true : undefined;
      });
      expect(await namesOf("key", "idempotency_keys")).toEqual([{ name: "new" }]);
      expect(await namesOf("sha256", "imports")).toEqual([{ name: "new" }]);
    });

    test.if(kind === "SQLite")("knows what queries are planned by", async () => {
      expect(await database.run("SELECT * FROM sqlite_stat1 WHERE tbl = 'books'")).not.toEqual([]);
    });
  });
}

test("the service maintains its database from the start on, and a new one without a word", async () => {
  const place = await openPlace("SQLite");
  await withStore(place, books, (store) =>
    store.addSamples([{ title: "1984", author: "George Orwell", year: 1949 }]),
  );
  const database = runOnSqlite(sqlitePath(place.env.DATABASE_URL));
  await database.run(
    "INSERT INTO imports (resource, sha256, lines, updated_at) VALUES ('books', 'old', 1, $1)",
    at(8),
  );
  const service = await startService(place.env);
  await eventually("the end of an old import", async () => {
    const left = await database.run("SELECT 1 FROM imports");
    return left.length === 0 ? true : undefined;
  });
  await service.kill();
  expect(service.log().map(({ message }) => message)).toEqual(["listening"]);
  await database.end();
});

test("maintenance that fails is logged, and tried again", async () => {
  const lines: string[] = [];
  const logger = createLogger({
    ...{ level: "INFO", format: "json", clock: Date.now },
    write: (line) => void lines.push(line),
  });
  let runs = 0;
  const optimize = async () => {
    runs += 1;
    if (runs === 1) throw new Error("the disk is full");
  };
  const stop = startMaintenance({
    database: { optimize },
    resources: [],
    storeOf: (resource) => createStore(createMemoryDatabase(), resource),
    logger,
    firstAfterMs: 0,
    intervalMs: 1,
  });
  await eventually("another run", () => runs > 1 || undefined);
  await stop();
  expect(lines).toEqual([expect.stringContaining("the disk is full")]);
});
