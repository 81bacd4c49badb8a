import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import postgres from "postgres";
import { freshDatabase } from "../../../test/postgres.ts";
import { eventually, inTemporaryDirectory } from "../../../test/service.ts";
import { ConfigError, type DatabaseConfig } from "../../config/config.ts";
import { MIGRATION_LOCK } from "../../database/postgres/migrate.ts";
import { UnusableDatabaseError } from "../../database/sqlite.ts";
import { createLogger } from "../../telemetry/logger.ts";
import { openStore, prepareStore } from "./open-store.ts";
import { openSqliteFile } from "./sqlite-file.ts";

// On a busy machine, PostgreSQL takes its time to start.
setDefaultTimeout(60_000);

function openSqliteStore(path: string) {
  const database = { kind: "sqlite", path } as const;
  return openStore({ database, databasePoolSize: 1, seedBooks: true }, Date.now);
}

test("a SQLite file of a newer release is refused by its path", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "newer.db");
    const first = await openSqliteStore(path);
    await first.prepare();
    await first.store.close();
    const file = openSqliteFile(path);
    file.exec("PRAGMA user_version = 99");
    file.close();
    const { store, prepare } = await openSqliteStore(path);
    await expect(prepare()).rejects.toThrow(UnusableDatabaseError);
    await expect(prepare()).rejects.toThrow(`${path}: The database has schema version 99`);
    await store.close();
  });
});

test("a file that is no database is refused as it is", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "letter.txt");
    await Bun.write(path, "Dear reader, this is no database.".repeat(20));
    await expect(openSqliteStore(path)).rejects.toThrow("it is not a SQLite database");
    expect(await Bun.file(path).text()).toStartWith("Dear reader");
  });
});

const withDatabase = (database: DatabaseConfig) =>
  openStore({ database, databasePoolSize: 2, seedBooks: true }, Date.now);

test("what is not in PostgreSQL stays where it is", async () => {
  await inTemporaryDirectory(async (directory) => {
    const places: DatabaseConfig[] = [
      { kind: "memory" },
      { kind: "sqlite", path: join(directory, "a.db") },
      { kind: "postgres", url: "postgres://u:p@127.0.0.1:1/books" },
    ];
    for (const place of places) {
      const { store, reconfigure } = await withDatabase(place);
      reconfigure(place)();
      for (const other of places.filter((each) => each.kind !== place.kind)) {
        expect(() => reconfigure(other)).toThrow(ConfigError);
      }
      await store.close();
    }
    const { store, reconfigure } = await withDatabase({
      kind: "sqlite",
      path: join(directory, "b.db"),
    });
    expect(() => reconfigure({ kind: "sqlite", path: join(directory, "c.db") })).toThrow(
      /takes a restart$/,
    );
    await store.close();
  });
});

test("a store on PostgreSQL goes on with another database, which is prepared first", async () => {
  const [first, second] = [await freshDatabase(), await freshDatabase()];
  const { store, reconfigure } = await withDatabase({ kind: "postgres", url: first.url });
  const book = await store.create({ title: "Emma", author: "Jane Austen", year: 1815 });
  const change = reconfigure({ kind: "postgres", url: second.url });
  expect(await store.get(book.book.id)).toEqual(book.book);
  change();
  expect(await store.get(book.book.id)).toBeUndefined();
  await store.close();
  await Promise.all([first.drop(), second.drop()]);
});

test("a pool tells how many of its connections are in use, and how many wait for one", async () => {
  const { url, drop } = await freshDatabase();
  const { store, prepare, poolUse } = await withDatabase({ kind: "postgres", url });
  await prepare();
  expect(poolUse?.()).toEqual({ size: 2, inUse: 0, waiting: 0 });
  const asked = [store.get(1), store.get(1), store.get(1)];
  expect(poolUse?.()).toEqual({ size: 2, inUse: 2, waiting: 1 });
  await Promise.all(asked);
  expect(poolUse?.()).toEqual({ size: 2, inUse: 0, waiting: 0 });
  await store.close();
  await drop();
});

test("a file and memory have no pool", async () => {
  expect((await withDatabase({ kind: "memory" })).poolUse).toBeUndefined();
});

test("a signal ends the wait for another's migration, which the log tells of", async () => {
  const { url, drop } = await freshDatabase();
  const other = postgres(url, { max: 1 });
  await other`SELECT pg_advisory_lock(${MIGRATION_LOCK})`;
  const opened = await withDatabase({ kind: "postgres", url });
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  const logger = createLogger({ level: "INFO", format: "json", clock: Date.now, write });
  const signal = Promise.withResolvers<string>();
  const prepared = prepareStore(opened, logger, signal.promise);
  await eventually("the log says so", () => lines[0]);
  signal.resolve("SIGTERM");
  expect(await prepared).toBe("SIGTERM");
  await opened.store.close();
  const [sessions] = await other`SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`;
  expect(sessions).toBeUndefined();
  expect(lines).toHaveLength(1);
  await other.end();
  await drop();
});
