/** The tables that the migrations make are those that the definitions of the resources need. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import postgres from "postgres";
import { postgresMigrations } from "../src/database/migrations/postgres.ts";
import { sqliteMigrations } from "../src/database/migrations/sqlite.ts";
import { postgresMigration, sqliteMigration } from "../src/resources/migration.ts";
import { wordsTable } from "../src/resources/resource.ts";
import { RESOURCES } from "../src/service.ts";
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
