import type { Sql } from "postgres";
import {
  type Migration,
  NO_SCHEMA,
  pendingMigrations,
  type Schema,
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
    const query = queryOn(sql, { signal });
    const columns = await readColumns(query);
    const schema = await readVersions(query, columns);
    if (pendingMigrations(migrations, schema).length === 0) return 0;
    const run: Run = { sql, signal, patiently };
    if (!columns.includes(COMPATIBLE_FROM)) await makeTable(run);
    let applied = 0;
    while (await migrateOnce(run, migrations)) applied += 1;
    return applied;
  });
}

/**
 * The schema of a database, whose version only ever grows.
 *
 * @throws {UnusableDatabaseError} where the database is not for this service.
 */
export async function readPostgresSchema(query: Query): Promise<Schema> {
  return readVersions(query, await readColumns(query));
}

/** The columns of this service's own table, which show that it is not one of another tool. */
const OWN_COLUMNS = ["version integer", "name text", "applied_at timestamp with time zone"];

/** The first releases recorded nothing of compatibility. */
const COMPATIBLE_FROM = "compatible_from integer";

/** The columns of the table of migrations; none if there is no table. @throws {UnusableDatabaseError} */
async function readColumns(query: Query): Promise<string[]> {
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
  if (typeof found.columns !== "string") return [];
  const columns = found.columns.split(",");
  if (!OWN_COLUMNS.every((column) => columns.includes(column))) {
    throw new UnusableDatabaseError(
      `The database has a table schema_migrations of another tool (${found.columns}); nothing was changed in it. ` +
        "Use a database of its own, or a schema of its own: options=-c%20search_path%3DNAME in DATABASE_URL.",
    );
  }
  return columns;
}

/** A migration that does not say what it is compatible with is so with its own version only. */
async function readVersions(query: Query, columns: readonly string[]): Promise<Schema> {
  if (columns.length === 0) return NO_SCHEMA;
  const oldest = columns.includes(COMPATIBLE_FROM)
    ? "coalesce(compatible_from, version)"
    : "version";
  const [row] = await query(
    `SELECT coalesce(max(version), 0) AS version, coalesce(max(${oldest}), 0) AS compatible_from
      FROM schema_migrations`,
  );
  return { version: Number(row?.version), compatibleFrom: Number(row?.compatible_from) };
}

/** Lets every statement of a transaction work, and wait for locks, without a limit. */
export async function liftTimeouts(query: Query): Promise<void> {
  // Not every version has all of them.
  await query(`SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN ('statement_timeout',
    'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`);
}

type Run = { sql: Sql; signal: AbortSignal | undefined; patiently: Patiently };

/** A transaction that only one instance is in at a time. */
function underLock<T>(
  { sql, signal, patiently }: Run,
  work: (query: Query) => Promise<T>,
): Promise<T> {
  return inTransaction(sql, async (transaction) => {
    const query = queryOn(transaction, { signal });
    // Another instance's migration, or the index of a large table, may take any time.
    await liftTimeouts(query);
    await patiently(query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]));
    await query("SET LOCAL client_min_messages = warning");
    return work(query);
  });
}

/**
 * Before any migration, and committed at once: until the column is, nobody else can read the versions, as
 * `/ready` does.
 */
async function makeTable(run: Run): Promise<void> {
  await underLock(run, (query) =>
    query(`CREATE TABLE IF NOT EXISTS schema_migrations (
        version integer PRIMARY KEY,
        name text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
      );
      ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS ${COMPATIBLE_FROM}`),
  );
}

function migrateOnce(run: Run, migrations: readonly Migration[]): Promise<boolean> {
  return underLock(run, async (query) => {
    const [next] = pendingMigrations(migrations, await readVersions(query, [COMPATIBLE_FROM]));
    if (!next) return false;
    await run.patiently(query(next.sql));
    const { version, name, compatibleFrom } = next;
    await query(
      "INSERT INTO schema_migrations (version, name, compatible_from) VALUES ($1, $2, $3)",
      [version, name, compatibleFrom],
    );
    run.signal?.throwIfAborted();
    return true;
  });
}
