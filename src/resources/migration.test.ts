import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import postgres, { type Sql } from "postgres";
import { postgresMigrations } from "../../test/example/migrations/postgres.ts";
import { sqliteMigrations } from "../../test/example/migrations/sqlite.ts";
import { RESOURCES } from "../../test/example/service.ts";
import { type FreshDatabase, freshDatabase } from "../../test/postgres.ts";
import { measurements } from "../../test/samples.ts";
import { inTemporaryDirectory } from "../../test/service.ts";
import { books } from "../books.ts";
import type { Migration } from "../database/migrations/migration.ts";
import type { SqliteConnection } from "../database/sqlite.ts";
import { openPostgresDatabase } from "../server/database/postgres.ts";
import { openSqliteDatabase } from "../server/database/sqlite.ts";
import { integer } from "./field.ts";
import { postgresMigration, sqliteMigration } from "./migration.ts";
import type { Resource } from "./resource.ts";

// On a busy machine, PostgreSQL takes its time to start.
setDefaultTimeout(60_000);

/** What a table is made of, as a database says it. */
type Table = {
  columns: { name: string; type: string; required: boolean }[];
  /** By the columns they are on, in order. */
  indexes: string[];
  /** Whatever else matters. */
  more: unknown;
};

const spaced = (sql: unknown) => String(sql).replaceAll(/--.*/g, "").replaceAll(/\s+/g, " ");

function describeSqlite({ prepare }: SqliteConnection, { name, one }: Resource): Table {
  const columns = prepare(`SELECT name, type, "notnull" FROM pragma_table_xinfo('${name}')`).all();
  const indexes = prepare(
    `SELECT group_concat(info.name) AS columns
      FROM pragma_index_list('${name}') AS list, pragma_index_info(list.name) AS info
      GROUP BY list.name ORDER BY 1`,
  ).all();
  const schema = prepare("SELECT name, sql FROM sqlite_schema WHERE name IN (?, ?) ORDER BY 1");
  const sql = new Map(
    schema.all(name, `${one}_words`).map((row) => [String(row.name), spaced(row.sql)]),
  );
  return {
    columns: columns.map((column) => ({
      ...{ name: String(column.name), type: String(column.type) },
      required: column.notnull === 1,
    })),
    indexes: indexes.map((index) => String(index.columns)),
    more: {
      isStrict: sql.get(name)?.endsWith(") STRICT"),
      neverReusesIds: sql.get(name)?.includes("id INTEGER PRIMARY KEY AUTOINCREMENT"),
      words: sql.get(`${one}_words`)?.replaceAll('"', ""),
    },
  };
}

async function describePostgres(sql: Sql, { name }: Resource): Promise<Table> {
  const columns = await sql`
    SELECT attname AS name, attnotnull AS required, attidentity <> '' AS identity,
        format_type(atttypid, atttypmod) AS type, collname AS collation
      FROM pg_attribute LEFT JOIN pg_collation c ON c.oid = attcollation AND collname <> 'default'
      WHERE attrelid = ${name}::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`;
  const indexes = await sql`
    SELECT regexp_replace(indexdef, '^.* USING ', '') AS index FROM pg_indexes
      WHERE schemaname = current_schema() AND tablename = ${name} ORDER BY 1`;
  return {
    columns: columns.map(({ name: column, type, required, collation }) => ({
      name: column,
      type: (collation ? `${type} COLLATE "${collation}"` : type).replace(
        /^timestamp\((\d)\) with time zone$/,
        "timestamptz($1)",
      ),
      required,
    })),
    indexes: indexes.map(({ index }) => index),
    more: { identity: columns.filter(({ identity }) => identity).map((column) => column.name) },
  };
}

/** What a definition asks a table to be: written out here, so that it can contradict the migrations. */
function expectedTable(resource: Resource, side: "sqlite" | "postgres"): Table {
  const { one, fields, search } = resource;
  const isSqlite = side === "sqlite";
  const hasWords = search.length > 0;
  const time = isSqlite ? "INTEGER" : "timestamptz(3)";
  const columns = [
    // SQLite does not say that a primary key is required.
    { name: "id", type: isSqlite ? "INTEGER" : "bigint", required: !isSqlite },
    ...Object.entries(fields).map(([field, { optional, ...types }]) => ({
      ...{ name: field, type: types[side].type, required: !optional },
    })),
    ...["created_at", "updated_at"].map((each) => ({ name: each, type: time, required: true })),
  ];
  const indexed = [...new Set([...resource.sort, ...resource.filter])];
  if (isSqlite) {
    const tokens = "tokenize = 'ascii', detail = none, prefix = '1 2 3'";
    const words =
      `CREATE VIRTUAL TABLE ${one}_words USING fts5 ` +
      `( words, content = '', contentless_delete = 1, ${tokens} )`;
    const more = { isStrict: true, neverReusesIds: true, words: hasWords ? words : undefined };
    return { columns, indexes: indexed.sort(), more };
  }
  const inPostgres = (field: string) => (field === "order" ? `"${field}"` : field);
  return {
    columns: hasWords ? [...columns, { name: "words", type: "tsvector", required: true }] : columns,
    indexes: [
      "btree (id)",
      ...indexed.map((field) => `btree (${inPostgres(field)}, id)`),
      ...(hasWords ? ["gin (words)"] : []),
    ].sort(),
    more: { identity: ["id"] },
  };
}

const sorted = (table: Table) => ({ ...table, indexes: [...table.indexes].sort() });

async function sqliteTable(migrations: readonly Migration[], resource: Resource): Promise<Table> {
  return inTemporaryDirectory(async (directory) => {
    const database = openSqliteDatabase(`${directory}/a.db`, { migrations });
    await database.migrate();
    const { connection } = database;
    const prepare = (sql: string) => connection.prepare(sql);
    const table = describeSqlite({ ...connection, prepare }, resource);
    await database.close();
    return sorted(table);
  });
}

const made: FreshDatabase[] = [];

afterAll(async () => {
  for (const { drop } of made) await drop();
});

async function postgresTable(migrations: readonly Migration[], resource: Resource): Promise<Table> {
  const fresh = await freshDatabase();
  made.push(fresh);
  const database = openPostgresDatabase(fresh.url, { migrations });
  await database.migrate();
  await database.close();
  const sql = postgres(fresh.url, { max: 1 });
  const table = await describePostgres(sql, resource);
  await sql.end();
  return sorted(table);
}

const alone = (sql: string): Migration[] => [
  { version: 1, name: "generated", compatibleFrom: 1, sql },
];

for (const resource of RESOURCES as readonly Resource[]) {
  const { name } = resource;

  test(`SQLite: the migrations make ${name} as the definition says`, async () => {
    const table = await sqliteTable(sqliteMigrations, resource);
    expect(table).toEqual(expectedTable(resource, "sqlite"));
  });

  test(`PostgreSQL: the migrations make ${name} as the definition says`, async () => {
    const table = await postgresTable(postgresMigrations, resource);
    expect(table).toEqual(expectedTable(resource, "postgres"));
  });
}

test("the generated migration of books makes the same tables as the numbered ones", async () => {
  expect(await sqliteTable(alone(sqliteMigration(books)), books)).toEqual(
    await sqliteTable(sqliteMigrations, books),
  );
  expect(await postgresTable(alone(postgresMigration(books)), books)).toEqual(
    await postgresTable(postgresMigrations, books),
  );
});

test("the generated migration of a resource with every kind of field makes it as defined", async () => {
  expect(await sqliteTable(alone(sqliteMigration(measurements)), measurements)).toEqual(
    expectedTable(measurements, "sqlite"),
  );
  expect(await postgresTable(alone(postgresMigration(measurements)), measurements)).toEqual(
    expectedTable(measurements, "postgres"),
  );
});

test.each([
  ["a field more", { ...books.fields, pages: integer({}) }],
  ["a field that became optional", { ...books.fields, year: integer({ ...{ optional: true } }) }],
  ["a field of another range", { ...books.fields, year: integer({ max: 2 ** 40 }) }],
])("%s is a difference to the tables", async (_what, fields) => {
  const changed: Resource = { ...books, fields };
  const table = await postgresTable(postgresMigrations, books);
  expect(table).not.toEqual(expectedTable(changed, "postgres"));
});
