/** Backups, exports and imports of several resources, and of tables that the service does not know. */
import { Database } from "bun:sqlite";
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import postgres from "postgres";
import { books } from "../src/books.ts";
import { resourceAndFile } from "../src/cli/resource-argument.ts";
import type { SqliteConnection } from "../src/database/sqlite.ts";
import { type Field, text } from "../src/resources/field.ts";
import { defineResource, type Resource } from "../src/resources/resource.ts";
import { CommandError } from "../src/server/failure.ts";
import { backUp, writeBackup } from "../src/transfer/backup/backup.ts";
import { restoreBackup } from "../src/transfer/backup/restore.ts";
import { attachUnknownTables } from "../src/transfer/backup/unknown-tables.ts";
import { MIGRATIONS, type TransferOptions } from "../src/transfer/copy.ts";
import { exportToFile } from "../src/transfer/export.ts";
import { importEntries } from "../src/transfer/import/import.ts";
import { openTransfer } from "../src/transfer/open.ts";
import {
  configOf,
  everyEntry,
  KINDS,
  type Kind,
  openPlace,
  openPlaceDatabase,
  type Place,
  runHere,
  someBooks,
  sqlitePath,
  toLines,
  withStore,
} from "./data.ts";
import { measurements, someMeasurements, TWO_RESOURCES } from "./measurements.ts";
import { newDirectory } from "./service.ts";

// A busy machine may take longer than Bun's five seconds for two databases.
setDefaultTimeout(60_000);

const { migrations } = TWO_RESOURCES;
const ONE_RESOURCE = {
  resources: [books],
  migrations: {
    sqlite: migrations.sqlite.slice(0, 3),
    postgres: migrations.postgres.slice(0, 3),
  },
  clock: Date.now,
};

const BOOKS = someBooks(3);
const MEASUREMENTS = someMeasurements(2105);
const MEASURED = {
  ...{ place: "A hill", count: 1, value: 0.5, valid: true, at: "2026-01-01T00:00:00.000Z" },
  unit: "kg",
} as const;
const DUNE = { title: "Dune", author: "Frank Herbert", year: 1965 };

const directory = newDirectory();
const opened: Place[] = [];
let files = 0;

afterAll(async () => {
  for (const { drop } of opened) await drop();
});

const newFile = (name = "file") => join(directory, `${name}-${++files}`);

async function empty(kind: Kind): Promise<Place> {
  const place = await openPlace(kind);
  opened.push(place);
  return place;
}

const placeOf = (path: string): Place => ({
  env: { DATABASE_URL: `sqlite:${path}`, DATA_DIR: dirname(path) },
  drop: async () => {},
});

async function importInto(place: Place, resource: Resource, entries: readonly unknown[]) {
  const path = newFile("lines");
  writeFileSync(path, toLines(entries));
  return importEntries(path, { ...TWO_RESOURCES, resource, config: configOf(place) });
}

async function exported(place: Place, resource: Resource): Promise<unknown[]> {
  const path = newFile("export");
  const source = { ...TWO_RESOURCES, resource, config: configOf(place) };
  await exportToFile(path, source, { resume: false, report: () => {} });
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** A database with books, measurements, an answer that a key keeps, and an import that was cut short. */
async function filled(kind: Kind): Promise<Place> {
  const place = await empty(kind);
  await importInto(place, books, BOOKS);
  await importInto(place, measurements, MEASUREMENTS);
  await withStore(place, measurements, (store) => store.create(MEASURED, "a-key"), migrations);
  const transfer = await openTransfer(configOf(place), { ...TWO_RESOURCES, access: "write" });
  await transfer.write([measurements], (loader) => loader.recordImport(measurements, "f00", 7));
  await transfer.close();
  return place;
}

const reported: string[] = [];

function restore(place: Place, file: string, options: object = {}, service = TWO_RESOURCES) {
  return restoreBackup(file, configOf(place), {
    ...service,
    force: false,
    withoutUnknownTables: false,
    report: (line) => void reported.push(line),
    ...options,
  });
}

async function refusal(work: Promise<unknown>): Promise<CommandError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new Error("It was not refused");
}

/** A file, where it is there, and those that were to become it. */
function leftBy(path: string): string[] {
  const names = readdirSync(directory).map((name) => join(directory, name));
  return names.filter((name) => name === path || name.startsWith(`${path}.`));
}

/** Runs SQL on a database past the service. */
async function execute({ env: { DATABASE_URL } }: Place, ...statements: string[]) {
  if (DATABASE_URL.startsWith("sqlite:")) {
    const database = new Database(sqlitePath(DATABASE_URL));
    try {
      return statements.map((sql) => database.query(sql).all() as Record<string, unknown>[]).at(-1);
    } finally {
      database.close();
    }
  }
  const sql = postgres(DATABASE_URL, { max: 1, onnotice: () => {} });
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) rows = [...(await sql.unsafe(statement))];
    return rows;
  } finally {
    await sql.end();
  }
}

for (const from of KINDS) {
  for (const to of KINDS) {
    test(`a backup of ${from} brings every resource and record to ${to}`, async () => {
      const source = await filled(from);
      const all = await exported(source, measurements);
      expect(all.slice(0, -1)).toEqual(MEASUREMENTS);
      expect(all.at(-1)).toMatchObject({ ...MEASURED, note: null, checked: null, scale: null });
      const last = await withStore(
        source,
        measurements,
        async (store) => {
          const { entry } = await store.create(MEASURED);
          await store.delete(entry.id);
          return entry.id;
        },
        migrations,
      );

      const file = newFile("backup");
      const counts = new Map([
        ["books", 3],
        ["field_measurements", 2106],
      ]);
      const backedUp = await backUp(file, configOf(source), TWO_RESOURCES);
      expect(backedUp).toEqual({ counts, unknownTables: [] });
      const [version] = (await execute(placeOf(file), "PRAGMA user_version")) ?? [];
      expect(version).toEqual({ user_version: migrations.sqlite.length });

      const target = await empty(to);
      expect(await restore(target, file)).toEqual({ file, counts, unknownTables: [] });
      expect(await exported(target, books)).toEqual(BOOKS);
      expect(await exported(target, measurements)).toEqual(all);
      await withStore(
        target,
        measurements,
        async (store) => {
          const again = await store.create(MEASURED, "a-key");
          expect(again).toMatchObject({ replayed: true, entry: all.at(-1) as object });
          expect(await store.list(everyEntry(["orsted", "2104"]))).toEqual(MEASUREMENTS.slice(-1));
          expect((await store.create(MEASURED)).entry.id).toBe(last + 1);
        },
        migrations,
      );
      const transfer = await openTransfer(configOf(target), { ...TWO_RESOURCES, access: "write" });
      await transfer.write([], async (loader) => {
        expect(await loader.importedLines(measurements, "f00")).toBe(7);
        expect(await loader.importedLines(books, "f00")).toBeUndefined();
      });
      await transfer.close();
    });
  }
}

for (const kind of KINDS) {
  describe(kind, () => {
    test("a resource is exported and imported by itself, and again changes nothing", async () => {
      const source = await filled(kind);
      const target = await empty(kind);
      const lines = await exported(source, measurements);
      const imported = await importInto(target, measurements, lines);
      expect(imported).toEqual({ added: 2106, skipped: 0, resumedAt: 0 });
      expect(await exported(target, measurements)).toEqual(lines);
      expect(await exported(target, books)).toEqual([]);
      expect(await importInto(target, measurements, lines)).toMatchObject({
        added: 0,
        skipped: 2106,
      });
      const other = { ...MEASUREMENTS[0], note: "another" };
      const { problems } = await refusal(importInto(target, measurements, [other]));
      expect(problems).toEqual([
        "line 1: field measurement 2 is there already, with other content",
      ]);
    });

    test("a restore needs --force for any resource, and counts what is there", async () => {
      const file = newFile("backup");
      await backUp(file, configOf(await filled(kind)), TWO_RESOURCES);
      const target = await empty(kind);
      await importInto(target, measurements, MEASUREMENTS.slice(0, 2));
      await importInto(target, books, [DUNE]);
      const before = [await exported(target, books), await exported(target, measurements)];
      expect((await refusal(restore(target, file))).message).toBe(
        "the database has 1 book, 2 field measurements already; --force removes them for those of the backup",
      );
      expect([await exported(target, books), await exported(target, measurements)]).toEqual(before);
      await restore(target, file, { force: true });
      expect(await exported(target, books)).toEqual(BOOKS);
      expect(await exported(target, measurements)).toHaveLength(2106);
    });

    test("a resource that a backup does not have stays as it is, and is reported", async () => {
      const file = newFile("backup");
      const source = await empty(kind);
      const older = await openTransfer(configOf(source), { ...ONE_RESOURCE, access: "write" });
      await older.write([books], (loader) => loader.add(books, BOOKS));
      await older.close();
      await backUp(file, configOf(source), ONE_RESOURCE);

      const target = await filled(kind);
      const before = await exported(target, measurements);
      reported.length = 0;
      const { counts } = await restore(target, file, { force: true });
      expect(counts).toEqual(new Map([["books", 3]]));
      expect(reported).toEqual([
        "Not in the backup, and left as they are: 2,106 field measurements",
      ]);
      expect(await exported(target, measurements)).toEqual(before);
      const again = await withStore(
        target,
        measurements,
        (store) => store.create(MEASURED, "a-key"),
        migrations,
      );
      expect(again.replayed).toBe(true);
    });

    test("a database of the schema before resources is backed up and restored", async () => {
      const source = await empty(kind);
      const old = {
        sqlite: MIGRATIONS.sqlite.slice(0, 2),
        postgres: MIGRATIONS.postgres.slice(0, 2),
      };
      await (await openPlaceDatabase(source, old)).close();
      const book = BOOKS[0] ?? DUNE;
      const now = kind === "SQLite" ? Date.now() : "now()";
      const answer = `'${JSON.stringify(book)}'`;
      await execute(
        source,
        `INSERT INTO idempotency_keys (key, answer, created_at) VALUES ('a-key', ${answer}, ${now})`,
        `INSERT INTO imports (sha256, lines, updated_at) VALUES ('f00', 7, ${now})`,
      );
      const file = newFile("backup");
      await backUp(file, configOf(source), TWO_RESOURCES);
      const target = await empty(kind);
      await restore(target, file);
      await withStore(
        target,
        books,
        async (store) => {
          const { title, author, year } = book;
          expect(await store.create({ title, author, year }, "a-key")).toMatchObject({
            replayed: true,
            entry: book,
          });
        },
        migrations,
      );
      const transfer = await openTransfer(configOf(target), { ...TWO_RESOURCES, access: "write" });
      const lines = await transfer.write([], (loader) => loader.importedLines(books, "f00"));
      await transfer.close();
      expect(lines).toBe(7);
    });
  });
}

/** What the release after {@link TWO_RESOURCES} has: what it adds works with that one. */
const NEXT = {
  sqlite: [...migrations.sqlite, laterMigration("ALTER TABLE books ADD COLUMN isbn text")],
  postgres: [...migrations.postgres, laterMigration("ALTER TABLE books ADD COLUMN isbn text")],
};

function laterMigration(sql: string) {
  const version = migrations.sqlite.length + 1;
  return { version, name: "later", compatibleFrom: version - 1, sql };
}

const LOST = /^a newer release has added columns that this one would lose: books\.isbn; use that/;

describe.each([...KINDS])("the schema of the next release on %s", (kind) => {
  test("is exported, imported, and restored into, by the release before", async () => {
    const file = newFile("backup");
    await backUp(file, configOf(await filled(kind)), TWO_RESOURCES);
    const place = await empty(kind);
    await (await openPlaceDatabase(place, NEXT)).close();
    await importInto(place, books, BOOKS.slice(0, 1));
    expect(await exported(place, books)).toEqual(BOOKS.slice(0, 1));
    await restore(place, file, { force: true });
    expect(await exported(place, books)).toEqual(BOOKS);
    expect(await exported(place, measurements)).toHaveLength(2106);
  });

  test("is backed up whole, or not without saying what is left out", async () => {
    const place = await filled(kind);
    await (await openPlaceDatabase(place, NEXT)).close();
    const file = newFile("backup");
    if (kind === "PostgreSQL") {
      const refused = await refusal(backUp(file, configOf(place), TWO_RESOURCES));
      expect(refused.message).toMatch(LOST);
    }
    const options = { ...TWO_RESOURCES, withoutUnknownTables: kind === "PostgreSQL" };
    const { counts } = await backUp(file, configOf(place), options);
    expect(counts.get("books")).toBe(3);
    const [version] = (await execute(placeOf(file), "PRAGMA user_version")) ?? [];
    const { length } = kind === "SQLite" ? NEXT.sqlite : migrations.sqlite;
    expect(version).toEqual({ user_version: length });
  });

  test("is restored from a backup only if nothing is lost, or that is asked for", async () => {
    const source = await empty("SQLite");
    await (await openPlaceDatabase(source, NEXT)).close();
    await importInto(source, books, BOOKS);
    const file = newFile("backup");
    await backUp(file, configOf(source), { ...TWO_RESOURCES, migrations: NEXT });
    const target = await empty(kind);
    expect((await refusal(restore(target, file))).message).toMatch(LOST);
    await restore(target, file, { withoutUnknownTables: true });
    expect(await exported(target, books)).toEqual(BOOKS);

    const indexed = { ...NEXT, sqlite: [...migrations.sqlite, laterMigration("SELECT 1")] };
    const other = await empty("SQLite");
    await (await openPlaceDatabase(other, indexed)).close();
    await importInto(other, books, BOOKS.slice(1));
    await backUp(file, configOf(other), { ...TWO_RESOURCES, migrations: indexed });
    await restore(target, file, { force: true });
    expect(await exported(target, books)).toEqual(BOOKS.slice(1));
  });
});

describe.each([...KINDS])("a field that %s has no column for", (kind) => {
  const withIsbn = (isbn: Field) =>
    defineResource("books", { one: "book", fields: { ...books.fields, isbn } });

  test("is null if it is optional, and else named in the refusal", async () => {
    const place = await empty(kind);
    await importInto(place, books, BOOKS);
    const optional = withIsbn(text({ max: 20, optional: true }));
    const [{ id, title, author, year, ...times }] = BOOKS as [(typeof BOOKS)[number]];
    expect((await exported(place, optional))[0]).toEqual({
      ...{ id, title, author, year, isbn: null, ...times },
    });
    await expect(exported(place, withIsbn(text({ max: 20 })))).rejects.toThrow(
      /^The table books has no column isbn\. Run "thimble migrate"/,
    );
  });
});

test("a backup of SQLite and an export need no write lock", async () => {
  const place = await filled("SQLite");
  const writer = new Database(sqlitePath(place.env.DATABASE_URL));
  writer.run("BEGIN IMMEDIATE");
  try {
    writer.run("DELETE FROM books");
    const file = newFile("backup");
    await backUp(file, configOf(place), TWO_RESOURCES);
    expect(await exported(placeOf(file), books)).toEqual(BOOKS);
    expect(await exported(place, books)).toEqual(BOOKS);
  } finally {
    writer.run("ROLLBACK");
    writer.close();
  }
});

describe("a command for one resource of several", () => {
  const resources = [books, measurements];

  test.each<[string[], string, string | undefined]>([
    [["books"], "books", undefined],
    [["field_measurements"], "field_measurements", undefined],
    [["field_measurements", "a.ndjson"], "field_measurements", "a.ndjson"],
    [["books", "books"], "books", "books"],
  ])("%j names it", (args, name, file) => {
    const found = resourceAndFile(args, resources);
    expect({ name: found.resource.name, file: found.file }).toEqual({ name, file });
  });

  test.each([[[]], [["a.ndjson"]]])("%j leaves open which, and learns the names", (args) => {
    expect(() => resourceAndFile(args, resources)).toThrow(
      "expected the name of a resource, one of books, field_measurements, not ",
    );
  });

  test("means the only one where there is no other", () => {
    for (const args of [[], ["a.ndjson"], ["books", "a.ndjson"]]) {
      expect(resourceAndFile(args, [books]).resource).toBe(books);
    }
  });

  test("refuses a name that no resource has, and says how to mean a file", () => {
    expect(() => resourceAndFile(["boks"], resources)).toThrow("field_measurements, not boks");
    expect(() => resourceAndFile(["boks"], [books])).toThrow(
      "there is no resource boks, only books; a file is ./boks",
    );
    expect(resourceAndFile(["./boks"], [books]).file).toBe("./boks");
  });

  test.each([[["books", "a", "b"]], [["a", "b"]]])("%j are too many", (args) => {
    expect(() => resourceAndFile(args, [books])).toThrow("expected at most one FILE");
  });

  test("exports and imports what it names", async () => {
    const place = await empty("SQLite");
    const path = newFile("lines");
    writeFileSync(path, toLines(BOOKS));
    expect((await runHere(place, ["import", "books", path])).code).toBe(0);
    const { code, stderr } = await runHere(place, ["export", "books", `${path}.out`]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^Exported 3 books/),
    });
    expect(readFileSync(`${path}.out`, "utf8")).toBe(toLines(BOOKS));
  });
});

/** A fork's own tables, with what is hard to copy: names, keys, indexes, triggers, computed columns. */
const FORK_OF_SQLITE = [
  `CREATE TABLE "loan ""notes""" (id INTEGER PRIMARY KEY AUTOINCREMENT, loan TEXT REFERENCES loans (code),
    text TEXT, length INTEGER GENERATED ALWAYS AS (length(text)) STORED)`,
  "CREATE TABLE loans (code TEXT PRIMARY KEY, book INTEGER REFERENCES books (id)) WITHOUT ROWID",
  "CREATE INDEX loans_by_book ON loans (book)",
  "CREATE TABLE changes (what TEXT)",
  "CREATE TRIGGER log_loan AFTER INSERT ON loans BEGIN INSERT INTO changes VALUES (new.code); END",
  "INSERT INTO loans VALUES ('a', 3), ('b', 5)",
  `INSERT INTO "loan ""notes""" (id, loan, text) VALUES (1, 'a', 'one'), (40, 'b', 'two')`,
  `DELETE FROM "loan ""notes""" WHERE id = 40`,
];
const FORK_TABLES = ["changes", 'loan "notes"', "loans"];

async function forked(...statements: string[]): Promise<Place> {
  const place = await filled("SQLite");
  await execute(place, ...statements);
  return place;
}

describe("tables of SQLite that the service does not know", () => {
  const look = async (place: Place) => [
    await execute(place, "SELECT * FROM loans ORDER BY code"),
    await execute(place, 'SELECT * FROM "loan ""notes"""'),
    await execute(place, "SELECT * FROM changes"),
    await execute(
      place,
      `SELECT type, name, sql FROM sqlite_schema
        WHERE tbl_name IN ('loans', 'loan "notes"', 'changes') ORDER BY name`,
    ),
    await execute(place, `SELECT seq FROM sqlite_sequence WHERE name = 'loan "notes"'`),
  ];

  test("are in a backup and restored with rows, indexes, triggers and the last id", async () => {
    const source = await forked(...FORK_OF_SQLITE);
    const before = await look(source);
    expect(before[4]).toEqual([{ seq: 40 }]);
    const file = newFile("backup");
    const { unknownTables } = await backUp(file, configOf(source), TWO_RESOURCES);
    expect(unknownTables).toEqual(FORK_TABLES);

    const target = await empty("SQLite");
    const restored = await restore(target, file);
    expect(restored.unknownTables).toEqual(FORK_TABLES);
    expect(await look(target)).toEqual(before);

    const message = (await refusal(restore(target, file))).message;
    expect(message).toContain('2 rows of changes, 1 rows of loan "notes", 2 rows of loans already');
    await execute(target, "DELETE FROM changes", "UPDATE loans SET book = 3");
    await restore(target, file, { force: true });
    expect(await look(target)).toEqual(before);
  });

  test("are reported by the commands", async () => {
    const source = await empty("SQLite");
    await runHere(source, ["migrate"]);
    await execute(source, "CREATE TABLE loans (code TEXT)", "CREATE TABLE changes (what TEXT)");
    const file = newFile("backup");
    const said = (await runHere(source, ["backup", file])).stderr;
    expect(said).toMatch(
      /^Backed up 0 books(, 0 \w+)*, and the tables changes, loans in \d+\.\d s to /,
    );
    const target = await empty("SQLite");
    expect((await runHere(target, ["restore", file])).stderr).toMatch(
      /^Restored 0 books(, 0 \w+)*, and the tables changes, loans in \d+\.\d s from /,
    );
    const other = await empty("SQLite");
    const flag = "--without-unknown-tables";
    expect((await runHere(other, ["restore", flag, file])).stderr).toMatch(
      /^Restored 0 books(, 0 \w+)* in /,
    );
    expect(await execute(other, "SELECT name FROM sqlite_schema WHERE name = 'loans'")).toEqual([]);
  });

  test("that refer to what is missing then keep everything as it was", async () => {
    const source = await forked("CREATE TABLE loans (book INTEGER REFERENCES books (id))");
    await execute(source, "PRAGMA foreign_keys = OFF", "INSERT INTO loans VALUES (999)");
    const file = newFile("backup");
    await backUp(file, configOf(source), TWO_RESOURCES);
    const target = await empty("SQLite");
    expect((await refusal(restore(target, file))).message).toBe(
      "a row of the table loans would refer to one of books that is missing; nothing was changed",
    );
    expect(await exported(target, books)).toEqual([]);
  });

  test("that are virtual are refused by name, and left out with the flag", async () => {
    const source = await forked("CREATE VIRTUAL TABLE reviews USING fts5 (text)");
    const file = newFile("backup");
    const { unknownTables } = await backUp(file, configOf(source), TWO_RESOURCES);
    expect(unknownTables).toEqual(["reviews"]);
    const target = await empty("SQLite");
    expect((await refusal(restore(target, file))).message).toBe(
      "the backup has tables that cannot be restored because they are virtual: reviews; " +
        "--without-unknown-tables restores the rest",
    );
    expect(await exported(target, books)).toEqual([]);
    await restore(target, file, { withoutUnknownTables: true });
    expect(await exported(target, books)).toEqual(BOOKS);
  });

  test("are refused by PostgreSQL, and left out with the flag", async () => {
    const file = newFile("backup");
    await backUp(file, configOf(await forked(...FORK_OF_SQLITE)), TWO_RESOURCES);
    const target = await empty("PostgreSQL");
    const { exitCode, message } = await refusal(restore(target, file));
    expect({ exitCode, message }).toEqual({
      exitCode: 65,
      message:
        'the backup has tables that cannot be restored into PostgreSQL: changes, loan "notes", loans; ' +
        "--without-unknown-tables restores the rest",
    });
    expect(await exported(target, books)).toEqual([]);
    await restore(target, file, { withoutUnknownTables: true });
    expect(await exported(target, books)).toEqual(BOOKS);
  });

  /** As Deno refuses it to a program without every permission. */
  const refusing: SqliteConnection = {
    exec: () => {},
    prepare: () => {
      throw new Error("too many attached databases - max 0");
    },
    close: () => {},
  };

  test("where nothing may be attached, are refused in a backup, which is a copy then", async () => {
    const source = await forked(...FORK_OF_SQLITE);
    const options: TransferOptions = TWO_RESOURCES;
    const transfer = await openTransfer(configOf(source), { ...options, access: "read" });
    const from = { read: transfer.read, sqlite: refusing };
    const part = newFile("part");
    const { message } = await refusal(writeBackup(from, part, options));
    expect(message).toContain('not this service\'s: changes, loan "notes", loans; ');
    const rest = newFile("part");
    const { counts } = await writeBackup(from, rest, { ...options, withoutUnknownTables: true });
    await transfer.close();
    expect([...counts.values()]).toEqual([3, 2106]);
    expect(await exported(placeOf(rest), measurements)).toEqual(
      await exported(source, measurements),
    );
  });

  test("where nothing may be attached, are refused in a restore", () => {
    expect(() => attachUnknownTables(refusing, "backup", ["loans"])).toThrow(
      "the backup has tables that cannot be restored on this runtime: loans; " +
        "--without-unknown-tables restores the rest",
    );
    expect(attachUnknownTables(refusing, "backup", []).present()).toEqual(new Map());
  });
});

describe("tables of PostgreSQL that the service does not know", () => {
  test("are listed, of other schemas too, and nothing is written without the flag", async () => {
    const source = await filled("PostgreSQL");
    await execute(
      source,
      "CREATE TABLE loans (code text)",
      "CREATE SCHEMA lending",
      "CREATE TABLE lending.fees (code text)",
      "CREATE TABLE visits (at date) PARTITION BY RANGE (at)",
      "CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
      "CREATE UNLOGGED TABLE sessions (code text)",
      "CREATE VIEW titles AS SELECT title FROM books",
    );
    const file = newFile("backup");
    const { exitCode, message } = await refusal(backUp(file, configOf(source), TWO_RESOURCES));
    expect({ exitCode, message }).toEqual({
      exitCode: 65,
      message:
        "the backup would not contain these tables, which are not this service's: " +
        "lending.fees, loans, sessions, visits; back them up with the database's own tools, " +
        "and add --without-unknown-tables",
    });
    expect(leftBy(file)).toEqual([]);
    const options = { ...TWO_RESOURCES, withoutUnknownTables: true };
    const { counts, unknownTables } = await backUp(file, configOf(source), options);
    expect({ counts: [...counts.values()], unknownTables }).toEqual({
      counts: [3, 2106],
      unknownTables: [],
    });
  });

  test("are refused by the command, and stay in a restore", async () => {
    const place = await empty("PostgreSQL");
    await runHere(place, ["migrate"]);
    await execute(place, "CREATE TABLE loans (code text)", "INSERT INTO loans VALUES ('a')");
    const file = newFile("backup");
    expect(await runHere(place, ["backup", file])).toMatchObject({ code: 65 });
    expect(existsSync(file)).toBe(false);
    expect(await runHere(place, ["backup", "--without-unknown-tables", file])).toMatchObject({
      code: 0,
    });
    expect(await runHere(place, ["restore", file])).toMatchObject({ code: 0 });
    expect(await execute(place, "SELECT * FROM loans")).toEqual([{ code: "a" }]);
  });
});
