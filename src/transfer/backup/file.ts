import { existsSync, statSync } from "node:fs";
import { pendingMigrations } from "../../database/migrations/migration.ts";
import { sqliteMigrations } from "../../database/migrations/sqlite.ts";
import {
  expectOwnDatabase,
  readSqliteVersion,
  type SqliteDatabase,
  sqliteResultCode,
  translateSqliteError,
} from "../../database/sqlite.ts";
import { prepareSqliteBooks } from "../../resources/stores/sqlite.ts";
import {
  connectSqlite,
  putTemporaryFilesBeside,
  reason,
} from "../../server/database/sqlite-file.ts";
import { CommandError, EXIT } from "../../server/failure.ts";
import type { Clock } from "../../time.ts";
import type { TransferDatabase } from "../copy.ts";
import { TIME_MAX, TIME_MIN } from "../import/line.ts";
import { createSqliteTransfer } from "../sqlite.ts";

/** Of the pages of a database, in KiB: bounds what copying a large one takes. */
const CACHE_KIB = 16_384;

/** Settings of a connection that copies a whole database. */
export function tuneForCopying(database: SqliteDatabase, path: string): void {
  database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
  putTemporaryFilesBeside(path, database);
}

/** Deno allows attaching, which VACUUM INTO does, to a program with every permission only. */
const MAY_NOT_ATTACH = /^too many attached databases/;

/**
 * Writes a database into a file of its own, in one state, while others read and write it.
 *
 * @returns whether that is allowed here; else nothing was done.
 */
export function vacuumInto(database: SqliteDatabase, part: string): boolean {
  try {
    database.prepare("VACUUM INTO ?").all(part);
    return true;
  } catch (error) {
    if (error instanceof Error && MAY_NOT_ATTACH.test(error.message)) return false;
    throw writeFailure(part, error);
  }
}

/** Fills a new file with what `fill` copies into it. On any failure, it is of no use. */
export async function createBackup(
  part: string,
  clock: Clock,
  fill: (to: TransferDatabase) => Promise<void>,
): Promise<void> {
  const database = writing(part, () => connectSqlite(part));
  try {
    // Nobody sees it before it is whole, and it is written to the disk at once then.
    database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
    tuneForCopying(database, part);
    prepareSqliteBooks(database, clock, []);
    await fill(createSqliteTransfer(database, clock));
  } catch (error) {
    throw writeFailure(part, error);
  } finally {
    database.close();
  }
}

/** Looks through the pages of a finished backup, and says how many books are in it. */
export function countBooks(part: string): number {
  return writing(part, () => {
    const database = connectSqlite(part, { readOnly: true });
    try {
      const damage = damageOf(database, "quick_check");
      if (damage) throw new CommandError(EXIT.failure, `${part} has come out damaged: ${damage}`);
      return Number(database.prepare("SELECT count(*) AS books FROM books").get()?.books);
    } finally {
      database.close();
    }
  });
}

/** What is wrong with a file, as far as the check goes; nothing where it is sound. */
function damageOf(database: SqliteDatabase, check: "quick_check" | "integrity_check") {
  const found = database.prepare(`PRAGMA ${check}(1)`).get()?.[check];
  return found === "ok" ? undefined : String(found);
}

function writing<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/** SQLite's primary result codes for what is wrong with the file to write: READONLY, IOERR, FULL, CANTOPEN. */
const WRITE_CODES = new Set([8, 10, 13, 14]);

/** A driver's error in words that say which of the two databases is at fault. */
function writeFailure(path: string, error: unknown): unknown {
  if (!WRITE_CODES.has((sqliteResultCode(error) ?? 0) & 0xff)) return translateSqliteError(error);
  return new CommandError(EXIT.cannotCreate, `cannot write ${path}: ${reason(error)}`);
}

/**
 * Opens a backup to read from, after a check of the whole file.
 *
 * @throws {CommandError} where it is none, is damaged, or is of a newer release.
 */
export function openBackup(path: string, clock: Clock): TransferDatabase & { close: () => void } {
  if (!existsSync(path)) throw new CommandError(EXIT.noInput, `there is no file ${path}`);
  if (!statSync(path).isFile()) throw new CommandError(EXIT.noInput, `${path} is no regular file`);
  let database: SqliteDatabase | undefined;
  try {
    database = connectSqlite(path, { readOnly: true });
    database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    expectBackup(database);
    const { close } = database;
    return { ...createSqliteTransfer(database, clock), close };
  } catch (error) {
    database?.close();
    throw new CommandError(EXIT.data, `${path} cannot be restored: ${whyNot(error)}`);
  }
}

function expectBackup(database: SqliteDatabase): void {
  expectOwnDatabase(database);
  const version = readSqliteVersion(database);
  if (version === 0) throw new Error("it is empty");
  // Throws where it is of a newer release.
  pendingMigrations(sqliteMigrations, version);
  const damage = damageOf(database, "integrity_check");
  if (damage) throw new Error(`it is damaged: ${damage}`);
  expectTimes(database);
}

/** Earlier releases imported any time into SQLite, and other databases do not take every one. */
function expectTimes(database: SqliteDatabase): void {
  const book = database
    .prepare(
      `SELECT id FROM books
        WHERE min(created_at, updated_at) < ? OR max(created_at, updated_at) > ? ORDER BY id LIMIT 1`,
    )
    .get(Date.parse(TIME_MIN), Date.parse(TIME_MAX));
  if (book) {
    throw new Error(`book ${book.id} has a time that is not from ${TIME_MIN} to ${TIME_MAX}`);
  }
}

/** What SQLite says of a database to write to would be misleading of one that is only read. */
const READ_REASONS: Record<number, string> = {
  11: "it is damaged",
  14: "it cannot be read",
  26: "it is not a SQLite database",
};

function whyNot(error: unknown): string {
  const code = sqliteResultCode(error);
  return (code !== undefined && READ_REASONS[code & 0xff]) || reason(error);
}
