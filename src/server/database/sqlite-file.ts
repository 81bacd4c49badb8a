import { accessSync, constants, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  expectOwnDatabase,
  readPragma,
  type SqliteDatabase,
  type SqliteStatement,
  sqliteResultCode,
  UnusableDatabaseError,
} from "../../database/sqlite.ts";
import type { BookInput } from "../../resources/book.ts";
import { prepareSqliteBooks } from "../../resources/stores/sqlite.ts";
import type { Clock } from "../../time.ts";

/** How long opening and migrating wait for another process that is writing. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * Opens a SQLite file, making it and its directory where they are missing.
 *
 * Every acknowledged write survives the loss of power: in WAL mode that takes `synchronous = FULL`
 * (https://www.sqlite.org/pragma.html#pragma_synchronous).
 *
 * @throws {UnusableDatabaseError} that says what is wrong with the file or its directory.
 */
export function openSqliteFile(path: string): SqliteDatabase {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return open(path);
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * Brings the schema of an open file up to date, and says how many migrations that took.
 *
 * @throws {UnusableDatabaseError}
 */
export function prepareSqliteFile(
  file: SqliteDatabase,
  path: string,
  clock: Clock,
  seed: readonly BookInput[],
): number {
  try {
    const applied = prepareSqliteBooks(file, clock, seed);
    // While it serves, the store itself waits for locks, and nothing else waits with it.
    file.exec("PRAGMA busy_timeout = 0");
    return applied;
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

/** Connects to a file as it is: nothing is set that a database to serve from needs. */
export function connectSqlite(path: string, options: { readOnly?: boolean } = {}): SqliteDatabase {
  const connection = new DatabaseSync(path, options);
  return {
    exec: (sql) => connection.exec(sql),
    // The driver types rows and counts more widely than this service uses them.
    prepare: (sql) => connection.prepare(sql) as unknown as SqliteStatement,
    close: () => connection.close(),
  };
}

function open(path: string): SqliteDatabase {
  const connection = connectSqlite(path);
  try {
    // Before the first statement that may meet a lock.
    connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    // Before the journal mode, which is written to the file.
    connection.exec("BEGIN");
    expectOwnDatabase(connection);
    const isEmpty = readPragma(connection, "page_count") === 0;
    connection.exec("ROLLBACK");
    // There is nothing in it yet that a journal on the disk, which takes three waits for it, could save.
    if (isEmpty) connection.exec("PRAGMA journal_mode = MEMORY");
    connection.exec("PRAGMA journal_mode = WAL");
    connection.exec("PRAGMA synchronous = FULL");
    // Fails now, with a clear message, where the file can be read but not written. SQLite would find
    // out at the first write, where a process that was killed has left its log.
    connection.exec("BEGIN IMMEDIATE; ROLLBACK");
    if (!isWritable(path)) throw new Error(NOT_WRITABLE);
    putTemporaryFilesBeside(path, connection);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

/**
 * A statement that changes many pages, as one that adds a book now and then does, and a sort of many rows need
 * temporary files. The places where SQLite would put them are missing in an image from scratch.
 */
export function putTemporaryFilesBeside(path: string, connection: SqliteDatabase): void {
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
