import type { Sql, TransactionSql } from "postgres";
import { DomainError } from "../../errors.ts";
import { type Migration, pendingMigrations } from "../migrations/migration.ts";
import { transact } from "./transaction.ts";

/** An arbitrary number that stands for this service's migrations among a database's advisory locks. */
export const MIGRATION_LOCK = 0x7468_6d62;

/**
 * Brings the schema up to date: each migration in a transaction of its own, which reads the version
 * under an advisory lock, so that instances which start together migrate once. Where nothing is to be
 * done, it takes no lock.
 *
 * @returns how many migrations this call applied.
 * @throws {NewerSchemaError} with the database left as it was.
 */
export async function migratePostgres(sql: Sql, migrations: readonly Migration[]): Promise<number> {
  if (pendingMigrations(migrations, await readPostgresVersion(sql)).length === 0) return 0;
  let applied = 0;
  while (await underMigrationLock(sql, (lock) => migrateOnce(lock, migrations))) applied += 1;
  return applied;
}

/** The version that a database has come to, which only ever grows; 0 without any table of ours. */
export async function readPostgresVersion(sql: Sql): Promise<number> {
  const [found] = await sql`SELECT to_regclass('schema_migrations') IS NOT NULL AS migrated`;
  return found?.migrated ? newestVersion(sql) : 0;
}

async function newestVersion(sql: Sql | TransactionSql): Promise<number> {
  const [row] = await sql`SELECT coalesce(max(version), 0) AS version FROM schema_migrations`;
  return Number(row?.version);
}

/**
 * Runs `work` in a transaction of the isolation that this service is written for, whatever the database's
 * default is: each statement sees what others have committed before it, the one that waited for a lock too.
 */
export function inTransaction<T>(
  sql: Sql,
  work: (transaction: TransactionSql) => Promise<T>,
): Promise<T> {
  return transact(sql, "ISOLATION LEVEL READ COMMITTED", work);
}

/** Lets every statement of a transaction work, and wait for locks, as long as it takes. */
export async function liftTimeouts(transaction: TransactionSql): Promise<void> {
  await transaction`SET LOCAL statement_timeout = 0`;
  await transaction`SET LOCAL lock_timeout = 0`;
}

/** Runs `work` in a transaction while no other instance migrates. */
export function underMigrationLock<T>(
  sql: Sql,
  work: (transaction: TransactionSql) => Promise<T>,
): Promise<T> {
  return inTransaction(sql, async (transaction) => {
    // To wait for another instance's migration, or to index a large table, takes what it takes.
    await liftTimeouts(transaction);
    await transaction`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`;
    return work(transaction);
  });
}

async function migrateOnce(sql: TransactionSql, migrations: readonly Migration[]) {
  await sql`SET LOCAL client_min_messages = warning`;
  await sql`CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  )`;
  const [next] = pendingMigrations(migrations, await newestVersion(sql));
  if (!next) return false;
  await sql.unsafe(next.sql);
  await sql`INSERT INTO schema_migrations (version, name) VALUES (${next.version}, ${next.name})`;
  return true;
}

/**
 * SQLSTATE classes for what is wrong with the server or the way to it, not with a query: connection
 * (08), authorization (28), no such database (3D), resources (53), intervention (57), system (58); a
 * read-only transaction (25006), as on a standby; and for what others do to the same rows at the same time,
 * which a repetition gets around: a rolled back transaction (40), a lock not had in time (55P03).
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNAVAILABLE_SQLSTATE = /^(?:(?:08|28|3D|40|53|57|58)[0-9A-Z]{3}|25006|55P03)$/;

/** The driver's and the operating system's words for a connection that is not there. */
const UNAVAILABLE_CONNECTION =
  /^(?:CONNECT|ECONN|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|ENOENT|ERR_SOCKET)/;

/** Whether a connection may not write: the server is a standby, or has been told to write nothing. */
export function isReadOnlyError(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === "25006";
}

/** Whether the server itself sent this error, with an SQLSTATE. */
export function isServerError(error: unknown): boolean {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
  return typeof code === "string" && typeof severity === "string";
}

/** Whether the server refused a value (SQLSTATE class 22, data exception), and nothing is wrong with it. */
export function isDataError(error: unknown): boolean {
  return isServerError(error) && /^22/.test(String((error as { code?: unknown }).code));
}

/** A driver's error in the domain's words where the server is at fault, else the error itself. */
export function translatePostgresError(error: unknown): unknown {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code !== "string") return error;
  // In a bundle, the driver's class is called something short that tells whoever reads the log nothing.
  if (error instanceof Error && isServerError(error)) error.name = "PostgresError";
  const unavailable = UNAVAILABLE_SQLSTATE.test(code) || UNAVAILABLE_CONNECTION.test(code);
  return unavailable ? unavailableError(error) : error;
}

export function unavailableError(cause?: unknown): DomainError {
  return new DomainError("store_unavailable", "The database cannot be reached right now.", {
    cause,
  });
}
