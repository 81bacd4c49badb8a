import { existsSync, statSync } from "node:fs";
import { pendingMigrations, UnusableDatabaseError } from "../../database/migrations/migration.ts";
import {
  migrateSqlite,
  readSqliteSchema,
  type SqliteConnection,
  sqliteResultCode,
  translateSqliteError,
} from "../../database/sqlite.ts";
import { INSTANT_MAX, INSTANT_MIN } from "../../resources/field.ts";
import type { Resource } from "../../resources/resource.ts";
import { openSqliteFile, reason, type SqliteUse } from "../../server/database/sqlite-file.ts";
import { CommandError, EXIT } from "../../server/failure.ts";
import {
  type BackupContent,
  countEntries,
  MIGRATIONS,
  nameOf,
  type TransferDatabase,
  type TransferOptions,
} from "../copy.ts";
import { createSqliteTransfer } from "../sqlite.ts";

/** Deno allows attaching, which VACUUM INTO does, to a program with every permission only. */
const MAY_NOT_ATTACH = /^too many attached databases/;

/**
 * Writes a database into a file of its own, in one state, while others read and write it.
 *
 * @returns whether that is allowed here; else nothing was done.
 */
export function vacuumInto(connection: SqliteConnection, part: string): boolean {
  try {
    connection.prepare("VACUUM INTO ?").all(part);
    return true;
  } catch (error) {
    if (error instanceof Error && MAY_NOT_ATTACH.test(error.message)) return false;
    throw writeFailure(part, error);
  }
}

/** Fills a new file with what `fill` copies into it. After a failure, it is of no use. */
export async function createBackup(
  part: string,
  options: TransferOptions,
  fill: (to: TransferDatabase) => Promise<void>,
): Promise<void> {
  await withFile(part, "fill", async (connection) => {
    migrateSqlite(connection, (options.migrations ?? MIGRATIONS).sqlite);
    await fill(createSqliteTransfer(connection, options));
  });
}

/** Checks the pages of a finished backup, and counts its entries. */
export function inspectBackup(part: string, options: TransferOptions): Promise<BackupContent> {
  return withFile(part, "inspect", async (connection) => {
    const damage = damageOf(connection, "quick_check");
    if (damage) throw new CommandError(EXIT.failure, `${part} has come out damaged: ${damage}`);
    return createSqliteTransfer(connection, options).read(async (snapshot) => ({
      counts: await countEntries(snapshot, options.resources),
      unknownTables: await snapshot.unknownTables(),
    }));
  });
}

/** What is wrong with a file, as far as the check goes; nothing where it is sound. */
function damageOf(connection: SqliteConnection, check: "quick_check" | "integrity_check") {
  const found = connection.prepare(`PRAGMA ${check}(1)`).get()?.[check];
  return found === "ok" ? undefined : String(found);
}

async function withFile<T>(
  part: string,
  use: SqliteUse,
  work: (connection: SqliteConnection) => Promise<T>,
): Promise<T> {
  let connection: SqliteConnection | undefined;
  try {
    connection = openSqliteFile(part, use);
    return await work(connection);
  } catch (error) {
    throw writeFailure(part, error);
  } finally {
    connection?.close();
  }
}

/** SQLite's primary result codes for what is wrong with the file to write: READONLY, IOERR, FULL, CANTOPEN. */
const WRITE_CODES = new Set([8, 10, 13, 14]);

/** A driver's error in words that say which of the two databases is at fault. */
function writeFailure(path: string, failure: unknown): unknown {
  const error = failure instanceof UnusableDatabaseError ? failure.cause : failure;
  const code = sqliteResultCode(error);
  if (code === undefined) return failure;
  if (!WRITE_CODES.has(code & 0xff)) return translateSqliteError(error);
  return new CommandError(EXIT.cannotCreate, `cannot write ${path}: ${reason(error)}`);
}

/**
 * Opens a backup to read from, after a check of the whole file.
 *
 * @throws {CommandError} where it is none, is damaged, or is of a newer release.
 */
export function openBackup(
  path: string,
  options: TransferOptions,
): TransferDatabase & { close: () => void } {
  if (!existsSync(path)) throw new CommandError(EXIT.noInput, `there is no file ${path}`);
  if (!statSync(path).isFile()) throw new CommandError(EXIT.noInput, `${path} is no regular file`);
  let connection: SqliteConnection | undefined;
  try {
    connection = openSqliteFile(path, "inspect");
    requireBackup(connection, options);
    const { close } = connection;
    return { ...createSqliteTransfer(connection, options), close };
  } catch (error) {
    connection?.close();
    throw new CommandError(EXIT.data, `${path} cannot be restored: ${whyNot(error)}`);
  }
}

function requireBackup(
  connection: SqliteConnection,
  { resources, migrations = MIGRATIONS }: TransferOptions,
): void {
  const schema = readSqliteSchema(connection);
  if (schema.version === 0) throw new Error("it is empty");
  // Throws if it is of a newer release, and does not work with this one.
  pendingMigrations(migrations.sqlite, schema);
  const damage = damageOf(connection, "integrity_check");
  if (damage) throw new Error(`it is damaged: ${damage}`);
  for (const resource of resources) requireTimes(connection, resource);
}

/** Earlier releases imported any time into SQLite, and other databases do not accept every one. */
function requireTimes(connection: SqliteConnection, resource: Resource): void {
  const { name } = resource;
  const isThere = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name);
  if (!isThere) return;
  const entry = connection
    .prepare(
      `SELECT id FROM "${name}"
        WHERE min(created_at, updated_at) < ? OR max(created_at, updated_at) > ? ORDER BY id LIMIT 1`,
    )
    .get(Date.parse(INSTANT_MIN), Date.parse(INSTANT_MAX));
  if (entry) {
    throw new Error(
      `${nameOf(resource, 1)} ${entry.id} has a time that is not from ${INSTANT_MIN} to ${INSTANT_MAX}`,
    );
  }
}

/** What SQLite says of a database to write to would be misleading for one that is only read. */
const READ_REASONS: Record<number, string> = {
  11: "it is damaged",
  14: "it cannot be read",
  26: "it is not a SQLite database",
};

function whyNot(error: unknown): string {
  const cause = error instanceof UnusableDatabaseError ? (error.cause ?? error) : error;
  const code = sqliteResultCode(cause);
  return (code !== undefined && READ_REASONS[code & 0xff]) || reason(cause);
}
