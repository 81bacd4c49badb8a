import { DomainError } from "../errors.ts";
import {
  type Migration,
  NO_SCHEMA,
  pendingMigrations,
  type Schema,
  UnusableDatabaseError,
} from "./migrations/migration.ts";
import { sqliteMigrations } from "./migrations/sqlite.ts";
import { quoted } from "./sql.ts";

/** What this service binds to a statement. */
export type SqliteValue = string | number | null;
/** A row by the names of its columns. */
export type SqliteRow = Record<string, unknown>;

/**
 * A prepared statement; values take the places of its question marks, in order.
 *
 * Writing is asking for all rows of a statement that has none: `run` would also tell the last row's id,
 * and Node's driver fails on one beyond 2^53, as FTS5 gives to rows of its own.
 */
export interface SqliteStatement {
  get(...values: SqliteValue[]): SqliteRow | undefined;
  all(...values: SqliteValue[]): SqliteRow[];
}

/** What a SQLite driver has to offer: one connection, synchronous, to a database of one's own. */
export interface SqliteConnection {
  exec(sql: string): void;
  /** A statement to keep: it is prepared once. */
  prepare(sql: string): SqliteStatement;
  close(): void;
}

/** SQL, and the values of its placeholders in order. `isKept` is false for SQL that may not come again. */
export type Statement = { sql: string; values: SqliteValue[]; isKept?: boolean };

/**
 * Counts some rows of every index whose table has changed a lot, which takes some milliseconds in a table
 * of any size (https://www.sqlite.org/pragma.html#pragma_optimize).
 */
export function optimizeSqlite(connection: SqliteConnection): void {
  connection.exec("PRAGMA analysis_limit = 200; PRAGMA optimize = 0x10002");
}

/** Marks a file as this service's ("thmb"), in the field that SQLite keeps for that. */
const APPLICATION_ID = 0x74686d62;

/**
 * Runs `work` in a transaction that holds the write lock from its beginning, so that what it reads
 * cannot change before it writes.
 */
export function inTransaction<T>(database: SqliteConnection, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** After a full disk, SQLite may have rolled back by itself; then there is nothing left to do. */
export function rollBack(database: SqliteConnection): void {
  try {
    database.exec("ROLLBACK");
  } catch {}
}

/**
 * Brings the schema up to date, in one transaction: it reads the version under the write lock, so that
 * instances which start together migrate once.
 *
 * @returns how many migrations this call applied.
 * @throws {NewerSchemaError} or {UnusableDatabaseError}, before anything is changed.
 */
export function migrateSqlite(
  connection: SqliteConnection,
  migrations: readonly Migration[] = sqliteMigrations,
): number {
  requireOwnDatabase(connection);
  // Without the lock at first: usually there is nothing to do, and others may be writing.
  if (pendingMigrations(migrations, readSqliteSchema(connection)).length === 0) {
    readEveryTable(connection);
    return 0;
  }
  return inTransaction(connection, () => {
    requireOwnDatabase(connection);
    const pending = pendingMigrations(migrations, readSqliteSchema(connection));
    for (const { sql } of pending) connection.exec(sql);
    if (pending.length > 0) {
      connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      connection.exec(`PRAGMA user_version = ${migrations.length}`);
      recordMigrations(connection, pending);
    }
    return pending.length;
  });
}

/** The first releases recorded nothing of compatibility. */
function recordMigrations(connection: SqliteConnection, migrations: readonly Migration[]): void {
  connection.exec(`CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    compatible_from INTEGER NOT NULL
  ) STRICT`);
  const insert = connection.prepare("INSERT INTO schema_migrations VALUES (?, ?, ?)");
  for (const { version, name, compatibleFrom } of migrations) {
    insert.all(version, name, compatibleFrom);
  }
}

/** Fails now if the beginning of a table is damaged, and not at the first request for it. */
function readEveryTable(connection: SqliteConnection): void {
  const tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  for (const { name } of tables) {
    connection.prepare(`SELECT 1 FROM ${quoted(String(name))} LIMIT 1`).get();
  }
}

/**
 * Looks, without writing, whether the database is this service's, or one that nobody has used yet.
 *
 * @throws {UnusableDatabaseError} when it is another application's.
 */
export function requireOwnDatabase(database: SqliteConnection): void {
  const owner = readPragma(database, "application_id");
  const tables = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()?.tables;
  if (owner === APPLICATION_ID || (owner === 0 && tables === 0)) return;
  throw new UnusableDatabaseError("The file is another application's SQLite database.");
}

/** The schema of a database. One that does not say what it is compatible with is so with itself only. */
export function readSqliteSchema(database: SqliteConnection): Schema {
  const version = readPragma(database, "user_version");
  if (version === 0) return NO_SCHEMA;
  return { version, compatibleFrom: readCompatibleFrom(database, version) ?? version };
}

function readCompatibleFrom(database: SqliteConnection, version: number): number | undefined {
  const table = "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'";
  if (!database.prepare(table).get()) return undefined;
  const [row] = database
    .prepare(
      `SELECT max(compatible_from) AS compatible_from FROM schema_migrations
        HAVING max(version) = ?`,
    )
    .all(version);
  return row && Number(row.compatible_from);
}

/** What a pragma says that is a number. */
export function readPragma(database: SqliteConnection, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/**
 * SQLite's primary result codes for what is wrong with the machine or the file, not with a query:
 * BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
 *
 * @see https://www.sqlite.org/rescode.html
 */
const UNAVAILABLE_CODES = new Set([5, 6, 8, 10, 11, 13, 14, 15, 26]);

/** Whether another process holds a lock that the statement needs. */
export function isBusyError(error: unknown): boolean {
  return ((sqliteResultCode(error) ?? 0) & 0xff) === 5;
}

/** Runs `work`, and throws its errors in the domain's words. */
export function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translateSqliteError(error);
  }
}

/** A driver's error in the domain's words where the database is at fault, else the error itself. */
export function translateSqliteError(error: unknown): unknown {
  const code = sqliteResultCode(error);
  if (code === undefined || !UNAVAILABLE_CODES.has(code & 0xff)) return error;
  return unavailableSqliteError(error);
}

export function unavailableSqliteError(cause: unknown): DomainError {
  return new DomainError("store_unavailable", "The database cannot be used right now.", { cause });
}

/** The (extended) result code that a driver's error carries. */
export function sqliteResultCode(error: unknown): number | undefined {
  const { errcode } = (error ?? {}) as { errcode?: unknown };
  return typeof errcode === "number" ? errcode : undefined;
}
