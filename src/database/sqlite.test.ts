import { expect, test } from "bun:test";
import { join } from "node:path";
import { inTemporaryDirectory } from "../../test/service.ts";
import { openSqliteFile } from "../server/database/sqlite-file.ts";
import { type Migration, NewerSchemaError, UnusableDatabaseError } from "./migrations/migration.ts";
import {
  inTransaction,
  isBusyError,
  migrateSqlite,
  readSqliteSchema,
  type SqliteConnection,
  translateSqliteError,
} from "./sqlite.ts";

const MIGRATIONS = [
  { version: 1, name: "one", compatibleFrom: 1, sql: "CREATE TABLE one (a)" },
  { version: 2, name: "two", compatibleFrom: 2, sql: "CREATE TABLE two (a)" },
];

async function withDatabase(
  use: (database: SqliteConnection, path: string) => void,
): Promise<void> {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "test.db");
    const database = openSqliteFile(path, "serve");
    try {
      use(database, path);
    } finally {
      database.close();
    }
  });
}

const migrate: (database: SqliteConnection, migrations: readonly Migration[]) => number =
  migrateSqlite;
const versionOf = (database: SqliteConnection) => database.prepare("PRAGMA user_version").get();

test("migrations are applied once, those that are new", async () => {
  await withDatabase((database) => {
    expect(migrate(database, MIGRATIONS.slice(0, 1))).toBe(1);
    expect(migrate(database, MIGRATIONS)).toBe(1);
    expect(migrate(database, MIGRATIONS)).toBe(0);
    expect(versionOf(database)).toEqual({ user_version: 2 });
  });
});

test("where one of several migrations fails, none is applied", async () => {
  await withDatabase((database) => {
    migrate(database, MIGRATIONS.slice(0, 1));
    const broken = [
      ...MIGRATIONS,
      { version: 3, name: "three", compatibleFrom: 2, sql: "CREATE TABLE three (a); no" },
    ];
    expect(() => migrate(database, broken)).toThrow("syntax error");
    expect(versionOf(database)).toEqual({ user_version: 1 });
    for (const table of ["two", "three"]) {
      expect(() => database.prepare(`SELECT * FROM ${table}`)).toThrow("no such table");
    }
  });
});

test("a newer schema stays as it is where it works with the release, and else is refused", async () => {
  await withDatabase((database) => {
    const added = { version: 3, name: "three", compatibleFrom: 2, sql: "CREATE TABLE three (a)" };
    migrate(database, [...MIGRATIONS, added]);
    expect(readSqliteSchema(database)).toEqual({ version: 3, compatibleFrom: 2 });
    expect(migrate(database, MIGRATIONS)).toBe(0);
    expect(() => migrate(database, MIGRATIONS.slice(0, 1))).toThrow(
      "schema version 3, and this release knows only 1. Run a release that knows version 2 at least.",
    );
    expect(versionOf(database)).toEqual({ user_version: 3 });
  });
});

test("a newer schema of a release that recorded nothing of compatibility is refused", async () => {
  await withDatabase((database) => {
    migrate(database, MIGRATIONS);
    database.exec("DROP TABLE schema_migrations");
    expect(readSqliteSchema(database)).toEqual({ version: 2, compatibleFrom: 2 });
    const older = () => migrate(database, MIGRATIONS.slice(0, 1));
    expect(older).toThrow(NewerSchemaError);
    expect(older).toThrow("schema version 2, and this release knows only 1");
  });
});

test("another application's tables are refused", async () => {
  await withDatabase((database) => {
    database.exec("CREATE TABLE theirs (a)");
    expect(() => migrate(database, MIGRATIONS)).toThrow(UnusableDatabaseError);
    expect(versionOf(database)).toEqual({ user_version: 0 });
  });
});

test("where a transaction has ended by itself, its own error is the one that is thrown", async () => {
  await withDatabase((database) => {
    const work = () => {
      database.exec("ROLLBACK");
      throw new Error("the disk is full");
    };
    expect(() => inTransaction(database, work)).toThrow("the disk is full");
  });
});

test("a lock that another connection holds is the database's fault, a wrong query is not", async () => {
  await withDatabase((database, path) => {
    const other = openSqliteFile(path, "serve");
    other.exec("PRAGMA busy_timeout = 0");
    database.exec("BEGIN IMMEDIATE");
    const busy = errorOf(() => other.exec("BEGIN IMMEDIATE"));
    expect(isBusyError(busy)).toBe(true);
    expect(translateSqliteError(busy)).toMatchObject({ code: "store_unavailable", cause: busy });
    const wrong = errorOf(() => other.exec("SELEKT"));
    expect(isBusyError(wrong)).toBe(false);
    expect(translateSqliteError(wrong)).toBe(wrong);
    other.close();
  });
});

function errorOf(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail.");
}
