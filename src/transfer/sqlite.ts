import { list, quoted } from "../database/sql.ts";
import {
  readSqliteSchema,
  rollBack,
  type SqliteConnection,
  type SqliteValue,
  translateSqliteError,
} from "../database/sqlite.ts";
import { type Entry, type Resource, wordsTable } from "../resources/resource.ts";
import { rowReader } from "../resources/stores/rows.ts";
import { sqliteStatements } from "../resources/stores/sqlite-statements.ts";
import type { Clock } from "../time.ts";
import {
  FIRST_RESOURCE,
  knownColumns,
  type Loader,
  MIGRATIONS,
  OWN_TABLES,
  RECORD_TABLES,
  type RecordRow,
  type RecordTable,
  type Snapshot,
  type TransferDatabase,
  type TransferOptions,
  toRecord,
} from "./copy.ts";

/** The number of rows in one statement; more gain nothing. */
const ROWS_PER_STATEMENT = 50;

const lastIdSql = "SELECT coalesce(max(seq), 0) AS id FROM sqlite_sequence WHERE name = ?";

/**
 * Copies from and to a SQLite database of this service's schema, on a connection of its own. Writing starts
 * with the write lock; other connections can read meanwhile.
 */
export function createSqliteTransfer(
  connection: SqliteConnection,
  { resources, clock, migrations = MIGRATIONS }: TransferOptions,
): TransferDatabase {
  const isNewer = () => readSqliteSchema(connection).version > migrations.sqlite.length;

  async function within<T>(begin: string, work: () => Promise<T>): Promise<T> {
    try {
      connection.exec(begin);
      const result = await work();
      connection.exec("COMMIT");
      return result;
    } catch (error) {
      rollBack(connection);
      throw translateSqliteError(error);
    }
  }
  return {
    read: (work) => within("BEGIN", () => work(createSnapshot(connection, resources, isNewer))),
    write: (_locked, work) =>
      within("BEGIN IMMEDIATE", () => work(createLoader(connection, clock))),
  };
}

function createSnapshot(
  connection: SqliteConnection,
  resources: readonly Resource[],
  isNewer: () => boolean,
): Snapshot {
  const hasTable = (name: string) =>
    connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) !== undefined;

  function sourceOf({ name }: RecordTable): string {
    const sql = "SELECT 1 FROM pragma_table_info(?) WHERE name = 'resource'";
    if (connection.prepare(sql).get(name)) return name;
    return `(SELECT '${FIRST_RESOURCE}' AS resource, * FROM ${name})`;
  }

  return {
    has: async ({ name }) => hasTable(name),
    count: async ({ name }) => (hasTable(name) ? countOf(connection, name) : 0),
    lastId: async ({ name }) => Number(connection.prepare(lastIdSql).get(name)?.id),

    async entries(resource, after, limit) {
      const { toEntry } = rowReader(resource, "sqlite");
      const sql = `SELECT * FROM ${quoted(resource.name)} WHERE id > ? ORDER BY id LIMIT ?`;
      return connection.prepare(sql).all(after, limit).map(toEntry);
    },

    async records(table, after, limit) {
      if (!hasTable(table.name)) return [];
      const { key, columns } = table;
      const sql = `SELECT ${list(Object.keys(columns))} FROM ${sourceOf(table)}
        WHERE (resource, ${key}) > (?, ?) ORDER BY resource, ${key} LIMIT ?`;
      const rows = connection.prepare(sql).all(after.resource, after.key, limit);
      return rows.map((row) => toRecord(table, row));
    },

    unknownTables: async () => unknownSqliteTables(connection, resources),
    newerColumns: async () => (isNewer() ? unknownColumns(connection, resources) : []),
  };
}

/** The tables of a SQLite database that are neither a resource's, the service's nor SQLite's own. */
function unknownSqliteTables(
  connection: SqliteConnection,
  resources: readonly Resource[],
): string[] {
  const known = new Set([
    "schema_migrations",
    ...OWN_TABLES,
    ...resources.flatMap((resource) => [resource.name, wordsTable(resource)]),
  ]);
  const rows = connection
    .prepare(
      `SELECT name FROM pragma_table_list
        WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
        ORDER BY name`,
    )
    .all();
  return rows.map(({ name }) => String(name)).filter((name) => !known.has(name));
}

function unknownColumns(connection: SqliteConnection, resources: readonly Resource[]): string[] {
  // Without those that are generated.
  const columns = connection.prepare("SELECT name FROM pragma_table_info(?)");
  return knownColumns(resources).flatMap(([table, known]) =>
    columns
      .all(table)
      .filter(({ name }) => !known.has(String(name)))
      .map(({ name }) => `${table}.${name}`),
  );
}

/** The number of rows of a table. */
export function countOf(connection: SqliteConnection, table: string): number {
  const row = connection.prepare(`SELECT count(*) AS entries FROM ${quoted(table)}`).get();
  return Number(row?.entries);
}

function createLoader(connection: SqliteConnection, clock: Clock): Loader {
  const run = (sql: string, ...values: SqliteValue[]) => connection.prepare(sql).all(...values);
  const lastIdOf = ({ name }: Resource) => Number(run(lastIdSql, name)[0]?.id);

  async function reserveIds(resource: Resource, id: number): Promise<void> {
    if (id <= lastIdOf(resource)) return;
    run("DELETE FROM sqlite_sequence WHERE name = ?", resource.name);
    run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", resource.name, id);
  }

  return {
    count: async ({ name }) => countOf(connection, name),

    async clear(resource) {
      const words = wordsTable(resource);
      if (resource.search.length > 0) run(`INSERT INTO ${words} (${words}) VALUES ('delete-all')`);
      run(`DELETE FROM ${quoted(resource.name)}`);
      for (const { name } of RECORD_TABLES) {
        run(`DELETE FROM ${name} WHERE resource = ?`, resource.name);
      }
    },

    async find(resource, ids) {
      const { toEntry } = rowReader(resource, "sqlite");
      const one = connection.prepare(`SELECT * FROM ${quoted(resource.name)} WHERE id = ?`);
      const found = ids.flatMap((id) => one.all(id)).map(toEntry);
      return new Map(found.map((entry) => [entry.id, entry]));
    },

    async add(resource, entries) {
      const { joinedWords, storedValues } = sqliteStatements(resource);
      if (resource.search.length > 0) {
        const words = entries.map((entry) => [entry.id, joinedWords(entry)]);
        insertMany(connection, wordsTable(resource), ["rowid", "words"], words);
      }
      const columns = ["id", ...Object.keys(resource.fields), "created_at", "updated_at"];
      const rows = entries.map((entry: Entry) => [
        entry.id,
        ...storedValues(entry),
        Date.parse(entry.created_at),
        Date.parse(entry.updated_at),
      ]);
      insertMany(connection, resource.name, columns, rows);
    },

    async withoutIndexes({ name }, work) {
      const indexes = run(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        name,
      );
      for (const index of indexes) connection.exec(`DROP INDEX ${quoted(String(index.name))}`);
      const result = await work();
      for (const { sql } of indexes) connection.exec(String(sql));
      return result;
    },

    async addRecords({ name, columns }, rows) {
      const names = Object.keys(columns);
      const values = rows.map((row: RecordRow) => names.map((column) => row[column] ?? null));
      insertMany(connection, name, names, values);
    },

    async takeIds(resource, count) {
      const last = lastIdOf(resource);
      await reserveIds(resource, last + count);
      return Array.from({ length: count }, (_, index) => last + index + 1);
    },

    reserveIds,

    async importedLines({ name }, sha256) {
      const sql = "SELECT lines FROM imports WHERE resource = ? AND sha256 = ?";
      const [row] = run(sql, name, sha256);
      return row && Number(row.lines);
    },

    async recordImport({ name }, sha256, lines) {
      const sql =
        "INSERT OR REPLACE INTO imports (resource, sha256, lines, updated_at) VALUES (?, ?, ?, ?)";
      run(sql, name, sha256, lines, Math.floor(clock()));
    },

    async forgetImport({ name }, sha256) {
      run("DELETE FROM imports WHERE resource = ? AND sha256 = ?", name, sha256);
    },
  };
}

/** Inserts many rows with a statement, and those left over one by one. */
function insertMany(
  connection: SqliteConnection,
  table: string,
  columns: readonly string[],
  rows: readonly SqliteValue[][],
): void {
  const into = `${quoted(table)} (${list(columns.map(quoted))})`;
  const place = `(${list(columns.map(() => "?"))})`;
  const places = list(Array(ROWS_PER_STATEMENT).fill(place));
  const whole = rows.length - (rows.length % ROWS_PER_STATEMENT);
  if (whole > 0) {
    const many = connection.prepare(`INSERT INTO ${into} VALUES ${places}`);
    for (let start = 0; start < whole; start += ROWS_PER_STATEMENT) {
      many.all(...rows.slice(start, start + ROWS_PER_STATEMENT).flat());
    }
  }
  const one = connection.prepare(`INSERT INTO ${into} VALUES ${place}`);
  for (const row of rows.slice(whole)) one.all(...row);
}
