/**
 * The tables that the migrations make are those that the definitions of the resources need, and each migration
 * says which releases still work after it.
 */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import postgres from "postgres";
import { postgresMigrations } from "../src/database/migrations/postgres.ts";
import { sqliteMigrations } from "../src/database/migrations/sqlite.ts";
import { postgresMigration, sqliteMigration } from "../src/resources/migration.ts";
import { wordsTable } from "../src/resources/resource.ts";
import { RESOURCES } from "../src/service.ts";
import { postgresContractions, sqliteContractions } from "./contractions.ts";
import { type FreshDatabase, freshDatabase } from "./postgres.ts";

setDefaultTimeout(60_000);

const opened: FreshDatabase[] = [];

afterAll(async () => {
  for (const { drop } of opened) await drop();
});

/** The columns and indexes of a table on SQLite. */
function sqliteTables(scripts: readonly string[], tables: readonly string[]) {
  const database = new DatabaseSync(":memory:");
  try {
    for (const sql of scripts) database.exec(sql);
    const read = (sql: string, name: string) =>
      database
        .prepare(sql)
        .all(name)
        .map((row) => ({ ...row }));
    return tables.map((table) => ({
      columns: read(
        'SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY name',
        table,
      ),
      indexes: read(
        `SELECT list.name, info.name AS field FROM pragma_index_list(?) AS list,
          pragma_index_info(list.name) AS info WHERE list.origin = 'c' ORDER BY 1, info.seqno`,
        table,
      ),
    }));
  } finally {
    database.close();
  }
}

/** The columns and indexes of a table on PostgreSQL. */
async function postgresTable(scripts: readonly string[], table: string) {
  const database = await freshDatabase();
  opened.push(database);
  const sql = postgres(database.url, { max: 1, onnotice: () => {} });
  try {
    for (const script of scripts) await sql.unsafe(script);
    const columns = await sql`
      SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull, attidentity,
        coalesce(collname, '') AS collation
      FROM pg_attribute LEFT JOIN pg_collation c ON c.oid = attcollation
      WHERE attrelid = ${table}::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname`;
    const indexes = await sql`
      SELECT indexdef FROM pg_indexes WHERE tablename = ${table} ORDER BY indexname`;
    return { columns: [...columns], indexes: [...indexes] };
  } finally {
    await sql.end();
  }
}

for (const resource of RESOURCES) {
  const { name } = resource;

  test(`the table ${name} on SQLite is that of its definition`, () => {
    const tables = resource.search.length > 0 ? [name, wordsTable(resource)] : [name];
    const wanted = sqliteTables([sqliteMigration(resource)], tables);
    const made = sqliteTables(
      sqliteMigrations.map(({ sql }) => sql),
      tables,
    );
    expect(wanted[0]?.columns).not.toBeEmpty();
    expect(made).toEqual(wanted);
  });

  test(`the table ${name} on PostgreSQL is that of its definition`, async () => {
    const wanted = await postgresTable([postgresMigration(resource)], name);
    const made = await postgresTable(
      postgresMigrations.map(({ sql }) => sql),
      name,
    );
    expect(wanted.columns).not.toBeEmpty();
    expect(made).toEqual(wanted);
  });
}

describe("a migration", () => {
  const declared = postgresMigrations.map(({ version, name, compatibleFrom }) => ({
    ...{ version, name, compatibleFrom },
  }));

  test("has the same number, name and compatibility on both databases", () => {
    const onSqlite = sqliteMigrations.map(({ sql: _, ...rest }) => rest);
    expect(onSqlite).toEqual(declared);
    expect(declared.map(({ version }) => version)).toEqual(declared.map((_, index) => index + 1));
  });

  test("is compatible with itself at least, and with no release that an earlier one excludes", () => {
    for (const [index, { version, compatibleFrom }] of declared.entries()) {
      const before = declared[index - 1]?.compatibleFrom ?? 1;
      expect(compatibleFrom).toBeWithin(before, version + 1);
    }
  });

  /** See "A change of the schema" in CONTRIBUTING.md. */
  function requireDeclared(found: readonly string[][]): void {
    const undeclared = declared.filter(({ compatibleFrom }, index) => {
      const before = declared[index - 1]?.compatibleFrom ?? 0;
      return found[index]?.length && compatibleFrom <= before;
    });
    const says = undeclared.map(
      ({ version, name }) => `${version} ${name}: ${found[version - 1]?.join("; ")}`,
    );
    // A migration that is listed here must raise its compatibleFrom.
    expect(says).toEqual([]);
  }

  test("that takes something from earlier releases says so (SQLite)", () => {
    requireDeclared(sqliteContractions(sqliteMigrations.map(({ sql }) => sql)));
  });

  test("that takes something from earlier releases says so (PostgreSQL)", async () => {
    const database = await freshDatabase();
    opened.push(database);
    requireDeclared(
      await postgresContractions(
        database.url,
        postgresMigrations.map(({ sql }) => sql),
      ),
    );
  });
});

describe("what a migration takes away, or asks for", () => {
  const TABLES = `
    CREATE TABLE shelves (id integer PRIMARY KEY, room text);
    CREATE TABLE things (
      id integer PRIMARY KEY, name text NOT NULL, note text, size integer NOT NULL DEFAULT 0
    );
    INSERT INTO things (id, name) VALUES (1, 'a');`;

  /** By what it does; on SQLite too, where that has the statement. */
  const taking: [sql: string, finds: string, only?: "postgres"][] = [
    ["DROP TABLE shelves", "shelves.id is gone; shelves.room is gone"],
    ["ALTER TABLE things DROP COLUMN note", "things.note is gone"],
    ["ALTER TABLE things RENAME COLUMN note TO remark", "things.note is gone"],
    ["ALTER TABLE shelves RENAME TO racks", "shelves.id is gone; shelves.room is gone"],
    [
      "ALTER TABLE things ALTER COLUMN size TYPE bigint",
      "things.size was integer and is bigint",
      "postgres",
    ],
    [
      'ALTER TABLE things ALTER COLUMN note TYPE text COLLATE "C"',
      "things.note was text COLLATE default and is text COLLATE C",
      "postgres",
    ],
    [
      "UPDATE things SET note = ''; ALTER TABLE things ALTER COLUMN note SET NOT NULL",
      "things.note may not be null; things.note needs a value",
      "postgres",
    ],
    ["ALTER TABLE things ALTER COLUMN size DROP DEFAULT", "things.size needs a value", "postgres"],
    [
      "DELETE FROM things; ALTER TABLE things ADD COLUMN isbn text NOT NULL",
      "things.isbn needs a value",
      "postgres",
    ],
    ["ALTER TABLE things ADD CHECK (size >= 0)", "things has CHECK ((size >= 0))", "postgres"],
    ["ALTER TABLE things ADD UNIQUE (name)", "things has UNIQUE btree (name)", "postgres"],
    [
      "ALTER TABLE things ADD FOREIGN KEY (size) REFERENCES shelves (id) NOT VALID",
      "things has FOREIGN KEY (size) REFERENCES shelves(id) NOT VALID",
      "postgres",
    ],
    [
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE; END';
        CREATE TRIGGER none BEFORE INSERT ON things EXECUTE FUNCTION refuse()`,
      "things has the trigger none",
      "postgres",
    ],
  ];

  const onSqlite: [sql: string, finds: string][] = [
    ["CREATE UNIQUE INDEX one ON things (name)", "things is unique by name"],
    [
      "CREATE TRIGGER none BEFORE INSERT ON things BEGIN SELECT raise(FAIL, 'no'); END",
      "things has the trigger none",
    ],
    [
      `CREATE TABLE new (id integer PRIMARY KEY, name text NOT NULL, note integer,
          size integer NOT NULL CHECK (size >= 0));
        DROP TABLE things; ALTER TABLE new RENAME TO things`,
      "things.note was text and is integer; things.size needs a value; things has CHECK (size >= 0)",
    ],
    [
      `CREATE TABLE new (id integer PRIMARY KEY, name text NOT NULL, note text NOT NULL,
          size integer NOT NULL DEFAULT 0 REFERENCES shelves (id));
        DROP TABLE things; ALTER TABLE new RENAME TO things`,
      "things.note may not be null; things.note needs a value; things.size refers to shelves",
    ],
  ];

  /** What an earlier release need not know of. */
  const harmless = [
    "CREATE TABLE reviews (id integer PRIMARY KEY, thing integer NOT NULL REFERENCES things (id))",
    "ALTER TABLE things ADD COLUMN isbn text",
    "ALTER TABLE things ADD COLUMN isbn text NOT NULL DEFAULT ''",
    "CREATE INDEX things_by_name ON things (name)",
    "UPDATE things SET note = 'b'",
    "-- The release of this version reads note no more.",
  ];

  type Row = [sql: string, finds: string];
  const rowsOf = (rows: typeof taking): Row[] => [
    ...rows.map(([sql, finds]): Row => [sql, finds]),
    ...harmless.map((sql): Row => [sql, ""]),
  ];

  test.each([...rowsOf(taking.filter(([, , only]) => !only)), ...onSqlite])(
    "on SQLite: %s",
    (sql, finds) => {
      expect(sqliteContractions([TABLES, sql])[1]?.join("; ")).toBe(finds);
    },
  );

  test.each(rowsOf(taking))("on PostgreSQL: %s", async (sql, finds) => {
    const database = await freshDatabase();
    opened.push(database);
    const [, found] = await postgresContractions(database.url, [TABLES, sql]);
    expect(found?.join("; ")).toBe(finds);
  });
});
