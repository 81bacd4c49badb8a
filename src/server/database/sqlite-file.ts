import { accessSync, constants, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { UnusableDatabaseError } from "../../database/migrations/migration.ts";
import {
  readPragma,
  requireOwnDatabase,
  type SqliteConnection,
  type SqliteStatement,
  sqliteResultCode,
} from "../../database/sqlite.ts";

/**
 * What a file is opened for: to serve from it; to copy from it, or into it; to fill a new file that nobody
 * sees before it is whole; or to inspect such a file, without a change.
 */
export type SqliteUse = "serve" | "read" | "write" | "fill" | "inspect";

/** How long a start waits for another process that is writing, and how long a copy does. */
const START_BUSY_TIMEOUT_MS = 5000;
const COPY_BUSY_TIMEOUT_MS = 30_000;

/** To what size SQLite cuts the write-ahead log when it begins again at its start. */
const WAL_MAX_BYTES = 16 * 1024 * 1024;

/** What a connection needs to write to a file in WAL mode as this service promises. */
export const DURABLE_SETTINGS = `PRAGMA journal_size_limit = ${WAL_MAX_BYTES}; PRAGMA synchronous = FULL`;

/** How much memory the pages of a database may take while a large one is copied. */
const COPY_CACHE_KIB = 16_384;

/**
 * Opens a SQLite file; to serve and to write, it is made together with its directory if missing.
 *
 * Every acknowledged write survives the loss of power: in WAL mode that requires `synchronous = FULL`
 * (https://www.sqlite.org/pragma.html#pragma_synchronous).
 *
 * @throws {UnusableDatabaseError} that says what is wrong with the file or its directory.
 */
export function openSqliteFile(path: string, use: SqliteUse): SqliteConnection {
  try {
    if (use === "serve" || use === "write") mkdirSync(dirname(path), { recursive: true });
    const connection = connect(path, { readOnly: use === "inspect" });
    try {
      if (use === "serve") prepareToServe(connection, path);
      else prepareToCopy(connection, path, use);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  } catch (error) {
    throw unusable(path, error);
  }
}

/** An error on a SQLite file in words that say what to do about it. */
export function unusable(path: string, error: unknown): UnusableDatabaseError {
  return new UnusableDatabaseError(`Cannot use the SQLite file ${path}: ${reason(error)}`, {
    cause: error,
  });
}

function connect(path: string, options: { readOnly: boolean }): SqliteConnection {
  const connection = new DatabaseSync(path, options);
  return {
    exec: (sql) => connection.exec(sql),
    // The driver types rows and counts more widely than this service uses them.
    prepare: (sql) => connection.prepare(sql) as unknown as SqliteStatement,
    close: () => connection.close(),
  };
}

function prepareToServe(connection: SqliteConnection, path: string): void {
  // Before the first statement that may meet a lock.
  connection.exec(`PRAGMA busy_timeout = ${START_BUSY_TIMEOUT_MS}`);
  useWriteAheadLog(connection);
  requireWritable(connection, path);
  putTemporaryFilesNextTo(path, connection);
}

function prepareToCopy(connection: SqliteConnection, path: string, use: SqliteUse): void {
  connection.exec(`PRAGMA busy_timeout = ${COPY_BUSY_TIMEOUT_MS}`);
  connection.exec(`PRAGMA cache_size = -${COPY_CACHE_KIB}`);
  if (use === "read" || use === "inspect") requireOwnDatabase(connection);
  if (use === "write") {
    useWriteAheadLog(connection);
    requireWritable(connection, path);
  }
  // Nobody sees it before it is whole, and then it is synced to the disk at once.
  if (use === "fill") connection.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  if (use !== "inspect") putTemporaryFilesNextTo(path, connection);
}

function useWriteAheadLog(connection: SqliteConnection): void {
  // Before the journal mode, which is written to the file.
  connection.exec("BEGIN");
  requireOwnDatabase(connection);
  const isEmpty = readPragma(connection, "page_count") === 0;
  connection.exec("ROLLBACK");
  // An empty file holds nothing that a journal on the disk, which waits for it three times, could save.
  if (isEmpty) connection.exec("PRAGMA journal_mode = MEMORY");
  connection.exec("PRAGMA journal_mode = WAL");
  connection.exec(DURABLE_SETTINGS);
}

/** Fails with a clear message now; SQLite would only at the first write after a process was killed. */
function requireWritable(connection: SqliteConnection, path: string): void {
  connection.exec("BEGIN IMMEDIATE; ROLLBACK");
  if (!isWritable(path)) throw new Error(NOT_WRITABLE);
}

/**
 * A statement that changes many pages, as an addition of an entry sometimes does, and a sort of many rows
 * need temporary files. The places where SQLite would put them are missing in an image from scratch. This
 * holds for all connections of the process, also those of other threads, which must not set it again.
 */
function putTemporaryFilesNextTo(path: string, connection: SqliteConnection): void {
  const directory = dirname(resolve(path)).replaceAll("'", "''");
  connection.exec(`PRAGMA temp_store_directory = '${directory}'`);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const NOT_WRITABLE = "it, or its directory, is not writable";

/** By extended or primary result code. */
const REASONS: Record<number, string> = {
  5: "another process has locked it",
  8: NOT_WRITABLE,
  10: "reading or writing it failed",
  11: "it is corrupt; nothing was changed in it",
  13: "the disk is full",
  14: NOT_WRITABLE,
  26: "it is not a SQLite database; nothing was changed in it",
  // SQLITE_IOERR_SHMSIZE: no room for the index of the write-ahead log.
  4874: "the disk is full",
};

/** What went wrong on a SQLite file, in a few words. */
export function reason(error: unknown): string {
  const code = sqliteResultCode(error);
  const known = code === undefined ? undefined : (REASONS[code] ?? REASONS[code & 0xff]);
  if (known) return known;
  return error instanceof Error ? error.message : String(error);
}
