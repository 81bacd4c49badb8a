import type { Sql } from "postgres";
import { type Migration, pendingMigrations } from "../migrations/migration.ts";
import type { Query } from "../postgres.ts";
import { queryOn } from "./query.ts";
import { inTransaction } from "./transaction.ts";

/** An arbitrary number that stands for this service's migrations among a database's advisory locks. */
export const MIGRATION_LOCK = 0x7468_6d62;

/**
 * Brings the schema up to date: each migration in a transaction of its own, which reads the version
 * under an advisory lock, so that instances which start together migrate once. If nothing is to be done,
 * it takes no lock.
 *
 * @param signal undoes the migration in progress when it aborts.
 * @returns how many migrations this call applied.
 * @throws {NewerSchemaError} with the database left as it was.
 */
export async function migratePostgres(
  sql: Sql,
  migrations: readonly Migration[],
  signal?: AbortSignal,
): Promise<number> {
  const version = await readPostgresVersion(queryOn(sql, { signal }));
  if (pendingMigrations(migrations, version).length === 0) return 0;
  let applied = 0;
  while (await migrateOnce(sql, migrations, signal)) applied += 1;
  return applied;
}

/** The version of a database's schema, which only ever grows; 0 if there is none. */
export async function readPostgresVersion(query: Query): Promise<number> {
  const [found] = await query("SELECT to_regclass('schema_migrations') IS NOT NULL AS migrated");
  return found?.migrated ? newestVersion(query) : 0;
}

async function newestVersion(query: Query): Promise<number> {
  const [row] = await query("SELECT coalesce(max(version), 0) AS version FROM schema_migrations");
  return Number(row?.version);
}

/** Lets every statement of a transaction work, and wait for locks, without a limit. */
export async function liftTimeouts(query: Query): Promise<void> {
  await query("SET LOCAL statement_timeout = 0");
  await query("SET LOCAL lock_timeout = 0");
}

function migrateOnce(
  sql: Sql,
  migrations: readonly Migration[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return inTransaction(sql, async (transaction) => {
    const query = queryOn(transaction, { signal });
    // Another instance's migration, or the index of a large table, may take any time.
    await liftTimeouts(query);
    await query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await query("SET LOCAL client_min_messages = warning");
    await query(`CREATE TABLE IF NOT EXISTS schema_migrations (
      version integer PRIMARY KEY,
      name text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`);
    const [next] = pendingMigrations(migrations, await newestVersion(query));
    if (!next) return false;
    await query(next.sql);
    const { version, name } = next;
    await query("INSERT INTO schema_migrations (version, name) VALUES ($1, $2)", [version, name]);
    signal?.throwIfAborted();
    return true;
  });
}
