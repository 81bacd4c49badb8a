import { existsSync } from "node:fs";
import type { DatabaseCommandConfig, DatabaseConfig } from "../config/config.ts";
import { type Migration, pendingMigrations } from "../database/migrations/migration.ts";
import { postgresMigrations } from "../database/migrations/postgres.ts";
import { sqliteMigrations } from "../database/migrations/sqlite.ts";
import { translatePostgresError } from "../database/postgres/migrate.ts";
import {
  readSqliteVersion,
  type SqliteDatabase,
  translateSqliteError,
  UnusableDatabaseError,
} from "../database/sqlite.ts";
import { prepareSqliteBooks } from "../resources/stores/sqlite.ts";
import { openSqliteFile, unusable } from "../server/database/sqlite-file.ts";
import { CommandError, EXIT } from "../server/failure.ts";
import type { Clock } from "../time.ts";
import { tuneForCopying } from "./backup/file.ts";
import type { TransferDatabase } from "./copy.ts";
import { createSqliteTransfer } from "./sqlite.ts";

/** How long a command waits for others that write to a SQLite file. */
const BUSY_TIMEOUT_MS = 30_000;

/** An open database to copy from or to. */
export type OpenTransfer = TransferDatabase & {
  /** The connection, where the database is a SQLite file. */
  sqlite?: SqliteDatabase;
  close: () => Promise<void>;
};

/** What to do with a database: one that is read has to be there, one that is written is made. */
export type Access = "read" | "write";

/**
 * Opens the database that the configuration names, to copy from it or to it. To be written, its schema
 * is brought up to date; it gets no sample books.
 *
 * @throws {UnusableDatabaseError}, {NewerSchemaError}, {CommandError} for books in memory, or a
 * `DomainError` where the server cannot be reached.
 */
export async function openTransfer(
  { database }: DatabaseCommandConfig,
  clock: Clock,
  access: Access,
): Promise<OpenTransfer> {
  requirePersistent(database);
  if (database.kind === "sqlite") return openSqlite(database.path, clock, access);
  return openPostgres(database.url, clock, access);
}

type LastingDatabase = Exclude<DatabaseConfig, { kind: "memory" }>;

/** @throws {CommandError} where books last as long as a process only. */
export function requirePersistent(database: DatabaseConfig): asserts database is LastingDatabase {
  if (database.kind !== "memory") return;
  throw new CommandError(
    EXIT.config,
    "DATABASE_URL is memory:, where no other process has books; it takes sqlite:PATH or " +
      "postgres://USER@HOST:PORT/NAME here",
  );
}

async function openSqlite(path: string, clock: Clock, access: Access): Promise<OpenTransfer> {
  if (access === "read" && !existsSync(path)) {
    throw new UnusableDatabaseError(`There is no database ${path}.`);
  }
  const database = openSqliteFile(path);
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    tuneForCopying(database, path);
    if (access === "write") prepareSqliteBooks(database, clock, []);
    else expectSchema(sqliteMigrations, readSqliteVersion(database));
  } catch (error) {
    database.close();
    throw unusable(path, error);
  }
  const { read, write } = createSqliteTransfer(database, clock);
  return {
    sqlite: database,
    read: (work) => translated(read(work), translateSqliteError),
    write: (work) => translated(write(work), translateSqliteError),
    close: async () => database.close(),
  };
}

async function openPostgres(url: string, clock: Clock, access: Access): Promise<OpenTransfer> {
  const { connectForTransfer } = await import("./postgres-transfer-connection.ts");
  const { migrate, version, transfer, close } = connectForTransfer(url, clock);
  try {
    if (access === "write") await translated(migrate(), translatePostgresError);
    else expectSchema(postgresMigrations, await translated(version(), translatePostgresError));
  } catch (error) {
    await close();
    throw error;
  }
  return { ...transfer, close };
}

async function translated<T>(result: Promise<T>, translate: typeof translateSqliteError) {
  try {
    return await result;
  } catch (error) {
    throw translate(error);
  }
}

function expectSchema(migrations: readonly Migration[], version: number): void {
  if (version === 0) {
    throw new UnusableDatabaseError("There are no books in the database, nor a place for them.");
  }
  // Throws where it is of a newer release.
  pendingMigrations(migrations, version);
}
