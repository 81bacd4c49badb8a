import { expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { books } from "../src/books.ts";
import type { Database } from "../src/database/database.ts";
import { createStore } from "../src/resources/stores/create-store.ts";
import { openPostgresDatabase } from "../src/server/database/postgres.ts";
import { openSqliteDatabase } from "../src/server/database/sqlite.ts";
import { postgresMigrations } from "./example/migrations/postgres.ts";
import { sqliteMigrations } from "./example/migrations/sqlite.ts";
import { freshDatabase } from "./postgres.ts";
import { inTemporaryDirectory } from "./service.ts";

// On a busy machine, PostgreSQL takes its time to start.
setDefaultTimeout(60_000);

/**
 * What the last release with schema version 2 left in both databases: the service itself added these books
 * and changed the first and the last of them, added two more and deleted them; an import stopped half-way.
 */
const FIXTURES = join(import.meta.dir, "fixtures");
const OLD_VERSION = 2;
const FIELDS = [
  { id: 1, title: "Emma", author: "Jane Austen", year: 1816 },
  { id: 2, title: "Cien años de soledad", author: "Gabriel García Márquez", year: 1967 },
  { id: 3, title: "紅樓夢 🌺", author: "曹雪芹", year: 1791 },
  { id: 4, title: "Epic of Gilgamesh", author: `O'Neil "?" \\`, year: -2100 },
  { id: 5, title: "Dune Messiah", author: "Frank Herbert", year: 1965 },
];
const LAST_ID = 7;
const IMPORT = {
  sha256: "0f499a4cce9f4443f474b85df652414227858a4c18f5a75c17c16c981258e6a6",
  lines: 10_000,
};

const known = sqliteMigrations.length;
const SCHEMA = { version: known, known, compatibleFrom: 4 };

type Old = {
  /** When each book was created and changed. */
  times: readonly (readonly [created: string, updated: string])[];
  /** When the books of the two idempotency keys were created. */
  answeredAt: readonly [string, string];
};

const day = (time: string) => `2026-11-29T12:${time}Z`;

const SQLITE: Old = {
  times: [
    [day("52:58.426"), day("52:58.453")],
    [day("52:58.432"), day("52:58.432")],
    [day("52:58.435"), day("52:58.435")],
    [day("52:58.437"), day("52:58.437")],
    [day("52:58.440"), day("52:58.457")],
  ],
  answeredAt: [day("52:58.440"), day("52:58.462")],
};

const POSTGRES: Old = {
  times: [
    [day("53:01.888"), day("53:01.913")],
    [day("53:01.895"), day("53:01.895")],
    [day("53:01.898"), day("53:01.898")],
    [day("53:01.900"), day("53:01.900")],
    [day("53:01.904"), day("53:01.921")],
  ],
  answeredAt: [day("53:01.904"), day("53:01.926")],
};

/** Uses a migrated database as the service would, less than a day after the old release did. */
async function expectEverything(database: Database, { times, answeredAt }: Old): Promise<void> {
  const store = createStore(database, books, () => Date.parse(day("59:00.000")));
  const sort = { field: "id", descending: false };
  const list = (words: string[]) => store.list({ limit: 100, sort, words, filters: {} });

  const expected = FIELDS.map((fields, index) => {
    const [created_at = "", updated_at = ""] = times[index] ?? [];
    return { ...fields, created_at, updated_at };
  });
  expect(await list([])).toEqual(expected);
  expect(await list(["anos", "gabriel"])).toEqual(expected.slice(1, 2));
  expect(await list(["messiah"])).toEqual(expected.slice(4));
  const byAuthor = { limit: 9, sort, words: [], filters: { author: "曹雪芹" } };
  expect(await store.list(byAuthor)).toEqual(expected.slice(2, 3));

  // As the service names a client's keys: after the API key that it came with.
  const inputs = [
    { title: "Dune", author: "Frank Herbert", year: 1965 },
    { title: "Gone too", author: "Nobody", year: 2001 },
  ];
  for (const [index, input] of inputs.entries()) {
    const [at = "", id] = [answeredAt[index], [5, LAST_ID][index]];
    const times = { created_at: at, updated_at: at };
    const key = `default\norder-${index + 1}`;
    expect(await store.create(input, key)).toEqual({
      entry: { id: Number(id), ...input, ...times },
      replayed: true,
    });
    const reused = store.create({ ...input, year: 1 }, key);
    await expect(reused).rejects.toMatchObject({ code: "idempotency_key_reused" });
  }

  await store.addSamples(inputs);
  expect((await store.create({ title: "Next", author: "Somebody", year: 1 })).entry.id).toBe(
    LAST_ID + 1,
  );
  expect(await list([])).toHaveLength(FIELDS.length + 1);
}

test("a SQLite file of the former schema keeps everything when it is migrated", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "thimble.db");
    copyFileSync(join(FIXTURES, "schema-2.db"), path);
    const database = openSqliteDatabase(path);
    expect(await database.migrate()).toBe(sqliteMigrations.length - OLD_VERSION);
    expect(await database.migrate()).toBe(0);
    expect(await database.schema?.()).toEqual(SCHEMA);
    await expectEverything(database, SQLITE);
    const { connection } = database;
    expect(connection.prepare("SELECT resource, sha256, lines FROM imports").all()).toMatchObject([
      { resource: "books", ...IMPORT },
    ]);
    expect(connection.prepare("PRAGMA integrity_check").get()).toMatchObject({
      integrity_check: "ok",
    });
    await database.close();
  });
});

test("a PostgreSQL database of the former schema keeps everything when it is migrated", async () => {
  const { url, drop } = await freshDatabase();
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  await sql.unsafe(readFileSync(join(FIXTURES, "schema-2.sql"), "utf8"));
  await sql.end();
  const database = openPostgresDatabase(url);
  expect(await database.migrate()).toBe(postgresMigrations.length - OLD_VERSION);
  expect(await database.schema?.()).toEqual(SCHEMA);
  await expectEverything(database, POSTGRES);
  const imports = await database.read((query) =>
    query("SELECT resource, sha256, lines::integer FROM imports"),
  );
  expect([...imports]).toEqual([{ resource: "books", ...IMPORT }]);
  await database.close();
  await drop();
});
