import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import postgres from "postgres";
import { postgresMigrations } from "../../../test/example/migrations/postgres.ts";
import { sqliteMigrations } from "../../../test/example/migrations/sqlite.ts";
import { freshDatabase } from "../../../test/postgres.ts";
import { eventually, inTemporaryDirectory, until } from "../../../test/service.ts";
import { books } from "../../books.ts";
import { ConfigError, type DatabaseConfig } from "../../config/config.ts";
import { type Migration, UnusableDatabaseError } from "../../database/migrations/migration.ts";
import { MIGRATION_LOCK } from "../../database/postgres/migrate.ts";
import { createStore } from "../../resources/stores/create-store.ts";
import { createLogger } from "../../telemetry/logger.ts";
import { migrateDatabase, openDatabase } from "./open-database.ts";
import { openPostgresDatabase } from "./postgres.ts";
import { openSqliteDatabase } from "./sqlite.ts";
import { openSqliteFile } from "./sqlite-file.ts";

// On a busy machine, PostgreSQL takes its time to start.
setDefaultTimeout(60_000);

const open = (database: DatabaseConfig) => openDatabase({ database, databasePoolSize: 2 });

/** A logger whose lines are kept. */
function loggerTo(lines: string[]) {
  const write = (line: string) => lines.push(line);
  return createLogger({ level: "INFO", format: "json", clock: Date.now, write });
}

test("a SQLite file of a newer release is refused by its path", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "newer.db");
    const first = await open({ kind: "sqlite", path });
    await first.database.migrate();
    await first.database.close();
    const file = openSqliteFile(path, "serve");
    file.exec("PRAGMA user_version = 99");
    file.close();
    const { database } = await open({ kind: "sqlite", path });
    await expect(database.migrate()).rejects.toThrow(UnusableDatabaseError);
    await expect(database.migrate()).rejects.toThrow(`${path}: The database has schema version 99`);
    await database.close();
  });
});

test("a file that is no database is refused as it is", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "letter.txt");
    await Bun.write(path, "Dear reader, this is no database.".repeat(20));
    await expect(open({ kind: "sqlite", path })).rejects.toThrow("it is not a SQLite database");
    expect(await Bun.file(path).text()).toStartWith("Dear reader");
  });
});

test("what is not in PostgreSQL stays where it is", async () => {
  await inTemporaryDirectory(async (directory) => {
    const places: DatabaseConfig[] = [
      { kind: "memory" },
      { kind: "sqlite", path: join(directory, "a.db") },
      { kind: "postgres", url: "postgres://u:p@127.0.0.1:1/books" },
    ];
    for (const place of places) {
      const { database, reconfigure } = await open(place);
      reconfigure(place)();
      for (const other of places.filter((each) => each.kind !== place.kind)) {
        expect(() => reconfigure(other)).toThrow(ConfigError);
      }
      await database.close();
    }
    const { database, reconfigure } = await open({
      kind: "sqlite",
      path: join(directory, "b.db"),
    });
    expect(() => reconfigure({ kind: "sqlite", path: join(directory, "c.db") })).toThrow(
      /requires a restart$/,
    );
    await database.close();
  });
});

test("a database on PostgreSQL goes on with another one, which is migrated first", async () => {
  const [first, second] = [await freshDatabase(), await freshDatabase()];
  const { database, reconfigure } = await open({ kind: "postgres", url: first.url });
  const store = createStore(database, books);
  const { entry } = await store.create({ title: "Emma", author: "Jane Austen", year: 1815 });
  const change = reconfigure({ kind: "postgres", url: second.url });
  expect(await store.get(entry.id)).toEqual(entry);
  change();
  expect(await store.get(entry.id)).toBeUndefined();
  await database.close();
  await Promise.all([first.drop(), second.drop()]);
});

test("a pool tells how many of its connections are in use, and how many wait for one", async () => {
  const { url, drop } = await freshDatabase();
  const { database } = await open({ kind: "postgres", url });
  await database.migrate();
  const store = createStore(database, books);
  expect(database.poolUse?.()).toEqual({ size: 2, inUse: 0, waiting: 0 });
  const asked = [store.get(1), store.get(1), store.get(1)];
  expect(database.poolUse?.()).toEqual({ size: 2, inUse: 2, waiting: 1 });
  await Promise.all(asked);
  expect(database.poolUse?.()).toEqual({ size: 2, inUse: 0, waiting: 0 });
  await database.close();
  await drop();
});

test("a file and memory have no pool", async () => {
  await inTemporaryDirectory(async (directory) => {
    const places = [{ kind: "memory" }, { kind: "sqlite", path: join(directory, "a.db") }] as const;
    for (const place of places) {
      const { database } = await open(place);
      expect(database.poolUse).toBeUndefined();
      await database.close();
    }
  });
});

test("a new database gets the samples of those that have some, and its migrations are logged", async () => {
  const { url, drop } = await freshDatabase();
  await inTemporaryDirectory(async (directory) => {
    const places = [
      { kind: "sqlite", path: join(directory, "a.db") },
      { kind: "postgres", url },
    ] as const;
    for (const place of places) {
      const lines: string[] = [];
      const logger = loggerTo(lines);
      const first = await open(place);
      await migrateDatabase(first.database, { logger, withSamples: [books] });
      await first.database.close();
      const { database } = await open(place);
      await migrateDatabase(database, { logger, withSamples: [books] });
      const store = createStore(database, books);
      expect(await store.get(2)).toMatchObject({ title: "To Kill a Mockingbird" });
      expect(await store.get(3)).toBeUndefined();
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { message: "database migrated", migrations: sqliteMigrations.length },
      ]);
      await database.close();
    }
  });
  await drop();
});

test("a newer schema is used as long as it is compatible, warned of, and gets no samples", async () => {
  const { url, drop } = await freshDatabase();
  const known = sqliteMigrations.length;
  const later: readonly Migration[] = [
    {
      ...{ version: known + 1, name: "expand", compatibleFrom: known },
      sql: "ALTER TABLE books ADD COLUMN isbn text",
    },
    {
      ...{ version: known + 2, name: "contract", compatibleFrom: known + 2 },
      sql: "DROP INDEX books_by_author; ALTER TABLE books DROP COLUMN author",
    },
  ];
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "a.db");
    const places = [
      {
        place: { kind: "sqlite", path },
        release: (migrations: readonly Migration[]) => openSqliteDatabase(path, { migrations }),
        own: sqliteMigrations,
      },
      {
        place: { kind: "postgres", url },
        release: (migrations: readonly Migration[]) => openPostgresDatabase(url, { migrations }),
        own: postgresMigrations,
      },
    ] as const;
    for (const { place, release, own } of places) {
      const upgrade = async (count: number) => {
        const next = release([...own, ...later.slice(0, count)]);
        await next.migrate();
        await next.close();
      };
      await upgrade(1);
      const lines: string[] = [];
      const { database } = await open(place);
      await migrateDatabase(database, { logger: loggerTo(lines), withSamples: [books] });
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { level: "WARNING", schema_version: known + 1, known_version: known },
      ]);
      const store = createStore(database, books);
      expect(await store.get(1)).toBeUndefined();
      expect(await database.ping()).toBe("ok");
      const input = { title: "Emma", author: "Jane Austen", year: 1815 };
      expect(await store.create(input)).toMatchObject({ entry: input });

      await upgrade(2);
      const incompatible = {
        code: "store_unavailable",
        message: "The database is of a newer release than this instance, which cannot use it.",
        cause: { message: expect.stringContaining(`schema version ${known + 2}`) },
      };
      await expect(store.get(1)).rejects.toMatchObject(incompatible);
      await expect(store.create(input)).rejects.toMatchObject(incompatible);
      await expect(database.ping()).rejects.toMatchObject(incompatible);
      await database.close();
    }
  });
  await drop();
});

test("a database that cannot be reached is served without, and the log says so", async () => {
  const { database } = await open({ kind: "postgres", url: "postgres://u:p@127.0.0.1:1/books" });
  const lines: string[] = [];
  await migrateDatabase(database, { logger: loggerTo(lines), withSamples: [books] });
  expect(lines.join()).toContain("database unreachable; serving without it until it answers");
  await database.close();
});

test("a signal ends the wait for another's migration, which the log tells of", async () => {
  const { url, drop } = await freshDatabase();
  const other = postgres(url, { max: 1 });
  await other`SELECT pg_advisory_lock(${MIGRATION_LOCK})`;
  const { database } = await open({ kind: "postgres", url });
  const lines: string[] = [];
  const signal = Promise.withResolvers<string>();
  const migrated = migrateDatabase(database, {
    logger: loggerTo(lines),
    withSamples: [],
    untilSignal: signal.promise,
  });
  await eventually("the log says so", () => lines[0]);
  signal.resolve("SIGTERM");
  expect(await migrated).toBe("SIGTERM");
  await database.close();
  // The server notices a little later that a connection has ended.
  const sessions = () => other`SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`;
  await until("no session is left", async () => (await sessions()).length === 0);
  expect(lines).toHaveLength(1);
  await other.end();
  await drop();
});
