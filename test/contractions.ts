/** What a migration takes from earlier releases, or newly asks of them, as the databases themselves tell it. */
import { DatabaseSync } from "node:sqlite";
import postgres from "postgres";

/** What a database demands of those who write to a table: about some of its columns, or about all. */
type Demand = { table: string; columns?: readonly string[]; says: string };

/** A schema, as far as it matters to a release that does not know what was changed. */
export type Tables = {
  /** The type of each column, by its table and name. */
  columns: ReadonlyMap<string, string>;
  demands: readonly Demand[];
};

const NO_TABLES: Tables = { columns: new Map(), demands: [] };

const tableOf = (column: string) => column.slice(0, column.lastIndexOf("."));

/**
 * What a release that works on the tables `before` may miss, or not expect, in the tables `after`: columns that
 * are gone or of another type, and demands on what it writes.
 */
export function contractions(before: Tables, after: Tables): string[] {
  const gone = [...before.columns].flatMap(([column, type]) => {
    const now = after.columns.get(column);
    if (now === undefined) return [`${column} is gone`];
    return now === type ? [] : [`${column} was ${type} and is ${now}`];
  });
  const tables = new Set([...before.columns.keys()].map(tableOf));
  const known = new Set(before.demands.map(({ says }) => says));
  const isNew = ({ table, columns, says }: Demand) =>
    tables.has(table) &&
    !known.has(says) &&
    // What an earlier release leaves out is null, which meets any demand but that there is a value.
    (/needs a value$/.test(says) ||
      !columns ||
      columns.some((each) => before.columns.has(`${table}.${each}`)));
  return [...gone, ...after.demands.filter(isNew).map(({ says }) => says)];
}

/** The contractions of each of these scripts, which are applied one after the other. */
export function sqliteContractions(scripts: readonly string[]): string[][] {
  const database = new DatabaseSync(":memory:");
  try {
    let before = NO_TABLES;
    return scripts.map((sql) => {
      database.exec(sql);
      const after = sqliteTables(database);
      const found = contractions(before, after);
      before = after;
      return found;
    });
  } finally {
    database.close();
  }
}

function sqliteTables(database: DatabaseSync): Tables {
  const rows = (sql: string, ...values: string[]) => database.prepare(sql).all(...values);
  const columns = new Map<string, string>();
  const demands: Demand[] = [];
  for (const { name, sql } of rows("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")) {
    const table = String(name);
    const demand = (says: string, columns?: string[]) =>
      demands.push({ table, says: table + says, ...(columns && { columns }) });
    for (const column of rows("SELECT * FROM pragma_table_info(?)", table)) {
      columns.set(`${table}.${column.name}`, String(column.type).toLowerCase());
      if (column.notnull !== 1) continue;
      const about = [String(column.name)];
      demand(`.${column.name} may not be null`, about);
      if (column.dflt_value === null) demand(`.${column.name} needs a value`, about);
    }
    const unique = 'SELECT name FROM pragma_index_list(?) WHERE "unique" = 1';
    for (const { name: index } of rows(unique, table)) {
      const on = rows("SELECT name FROM pragma_index_info(?) ORDER BY seqno", String(index));
      const about = on.map((column) => String(column.name));
      demand(` is unique by ${about.join(", ")}`, about);
    }
    for (const key of rows("SELECT * FROM pragma_foreign_key_list(?)", table)) {
      demand(`.${key.from} refers to ${key.table}`, [String(key.from)]);
    }
    // Only its text says what SQLite checks.
    for (const [check] of String(sql).matchAll(/\bCHECK\s*\([^;]*?\)(?=\s*[,)]|\s+\w)/gi)) {
      demand(` has ${check}`);
    }
    const triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?";
    for (const { name: trigger } of rows(triggers, table)) demand(` has the trigger ${trigger}`);
  }
  return { columns, demands };
}

/** As {@link sqliteContractions}, in an empty database on PostgreSQL. */
export async function postgresContractions(
  url: string,
  scripts: readonly string[],
): Promise<string[][]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    let before = NO_TABLES;
    const all: string[][] = [];
    for (const script of scripts) {
      await sql.unsafe(script);
      const after = await postgresTables(sql);
      all.push(contractions(before, after));
      before = after;
    }
    return all;
  } finally {
    await sql.end();
  }
}

const IN_SCHEMA = `c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')`;

async function postgresTables(sql: postgres.Sql): Promise<Tables> {
  const columns = await sql.unsafe(`
    SELECT c.relname AS table, attname AS column, attnotnull AS required,
        format_type(atttypid, atttypmod) || coalesce(' COLLATE ' || collname, '') AS type,
        atthasdef OR attidentity <> '' AS filled
      FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
        LEFT JOIN pg_collation ON pg_collation.oid = attcollation
      WHERE ${IN_SCHEMA} AND attnum > 0 AND NOT attisdropped`);
  // NOT NULL is a constraint too, in later versions of PostgreSQL; those of keys come with their indexes.
  const constraints = await sql.unsafe(`
    SELECT c.relname AS table, pg_get_constraintdef(o.oid) AS demand,
        ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY(conkey))
          AS columns
      FROM pg_constraint o JOIN pg_class c ON c.oid = conrelid
      WHERE ${IN_SCHEMA} AND contype IN ('c', 'f', 'x')`);
  const indexes = await sql.unsafe(`
    SELECT c.relname AS table, regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', 'UNIQUE ') AS demand,
        ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY(indkey::int[])) AS columns
      FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE ${IN_SCHEMA} AND indisunique`);
  const triggers = await sql.unsafe(`
    SELECT c.relname AS table, 'the trigger ' || tgname AS demand
      FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE ${IN_SCHEMA} AND NOT tgisinternal`);
  return {
    columns: new Map(columns.map(({ table, column, type }) => [`${table}.${column}`, type])),
    demands: [
      ...columns.flatMap(({ table, column, required, filled }) => [
        ...(required
          ? [{ table, columns: [column], says: `${table}.${column} may not be null` }]
          : []),
        ...(required && !filled
          ? [{ table, columns: [column], says: `${table}.${column} needs a value` }]
          : []),
      ]),
      ...[...constraints, ...indexes, ...triggers].map(({ table, columns, demand }) => ({
        ...{ table, says: `${table} has ${demand}` },
        ...(columns && { columns }),
      })),
    ],
  };
}
