import type { Sql } from "postgres";
import {
  type Migration,
  pendingMigrations,
  UnusableDatabaseError,
} from "../migrations/migration.ts";
import type { Query } from "../postgres.ts";
import { queryOn } from "./query.ts";
import { failOnSilence, type Patiently } from "./time-limits.ts";
import { inTransaction } from "./transaction.ts";

/** An arbitrary number that stands for this service's migrations among a database's advisory locks. */
export const MIGRATION_LOCK = 0x7468_6d62;

/**
 * Brings the schema up to date: each migration in a transaction of its own, which reads the version
 * under an advisory lock, so that instances which start together migrate once. If nothing is to be done,
 * it takes no lock. The lock and a migration may take any time, and all else must be answered in time.
 *
 * @param signal undoes the migration in progress when it aborts.
 * @returns how many migrations this call applied.
 * @throws {NewerSchemaError} or {UnusableDatabaseError} with the database left as it was; {DomainError}
 *   `store_unavailable` when the server is silent, and the connection is of no more use.
 */
export function migratePostgres(
  sql: Sql,
  migrations: readonly Migration[],
  signal?: AbortSignal,
): Promise<number> {
  return failOnSilence(async (patiently) => {
    const version = await readPostgresVersion(queryOn(sql, { signal }));
    if (pendingMigrations(migrations, version).length === 0) return 0;
    let applied = 0;
    while (await migrateOnce(sql, { migrations, signal, patiently })) applied += 1;
    return applied;
  });
}

/** The columns of this service's own table, which show that it is not one of another tool. */
const OWN_COLUMNS = ["version integer", "name text", "applied_at timestamp with time zone"];

/**
 * The version of a database's schema, which only ever grows; 0 if there is none.
 *
 * @throws {UnusableDatabaseError} where the database is not for this service.
 */
export async function readPostgresVersion(query: Query): Promise<number> {
  const [found] = await query(
    `SELECT current_setting('server_encoding') AS encoding,
      (SELECT string_agg(attname || ' ' || format_type(atttypid, NULL), ',') FROM pg_attribute
        WHERE attrelid = to_regclass('schema_migrations') AND attnum > 0 AND NOT attisdropped)
      AS columns`,
  );
  if (found?.encoding !== "UTF8") {
    throw new UnusableDatabaseError(
      `The database has the encoding ${found?.encoding}, which lacks characters that entries may have. ` +
        "Create one with ENCODING 'UTF8'.",
    );
  }
  const columns = found.columns;
  if (typeof columns !== "string") return 0;
  if (!OWN_COLUMNS.every((column) => columns.split(",").includes(column))) {
    throw new UnusableDatabaseError(
      `The database has a table schema_migrations of another tool (${columns}); nothing was changed in it. ` +
        "Use a database of its own, or a schema of its own: options=-c%20search_path%3DNAME in DATABASE_URL.",
    );
  }
  return newestVersion(query);
}

async function newestVersion(query: Query): Promise<number> {
  const [row] = await query("SELECT coalesce(max(version), 0) AS version FROM schema_migrations");
  return Number(row?.version);
}

/** Lets every statement of a transaction work, and wait for locks, without a limit. */
export async function liftTimeouts(query: Query): Promise<void> {
  // Not every version has all of them.
  await query(`SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN ('statement_timeout',
    'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`);
}

type MigrateOptions = {
  migrations: readonly Migration[];
  signal: AbortSignal | undefined;
  patiently: Patiently;
};

function migrateOnce(
  sql: Sql,
  { migrations, signal, patiently }: MigrateOptions,
): Promise<boolean> {
  return inTransaction(sql, async (transaction) => {
    const query = queryOn(transaction, { signal });
    // Another instance's migration, or the index of a large table, may take any time.
    await liftTimeouts(query);
    await patiently(query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]));
    await query("SET LOCAL client_min_messages = warning");
    await query(`CREATE TABLE IF NOT EXISTS schema_migrations (
      version integer PRIMARY KEY,
      name text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`);
    const [next] = pendingMigrations(migrations, await newestVersion(query));
    if (!next) return false;
    await patiently(query(next.sql));
    const { version, name } = next;
    await query("INSERT INTO schema_migrations (version, name) VALUES ($1, $2)", [version, name]);
    signal?.throwIfAborted();
    return true;
  });
}
