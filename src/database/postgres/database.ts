import type { Sql, TransactionSql } from "postgres";
import type { Migration } from "../migrations/migration.ts";
import { postgresMigrations } from "../migrations/postgres.ts";
import type { PostgresDatabase } from "../postgres.ts";
import { migratePostgres } from "./migrate.ts";
import { createPostgresPool, type PoolOptions, type PostgresConnections } from "./pool.ts";
import { queryOn } from "./query.ts";
import { inTransaction } from "./transaction.ts";

type PostgresDatabaseOptions = Pick<PoolOptions, "connect"> & {
  /** The most connections of that pool, for `poolUse`. */
  poolSize?: number | undefined;
  /** Names the request in progress to the server, as a `traceparent` header, if it is traced. */
  traceparent?: (() => string | undefined) | undefined;
  /** Keeps the connections: in a pool by default. */
  open?: (options: PoolOptions) => PostgresConnections;
  migrations?: readonly Migration[];
};

/**
 * A database on PostgreSQL, which may be down when this is called: the first operation that reaches the
 * server brings the schema up to date.
 *
 * @throws {NewerSchemaError} from any operation, when the database is of a newer release.
 */
export function createPostgresDatabase(options: PostgresDatabaseOptions): PostgresDatabase {
  const { connect, traceparent, poolSize, migrations = postgresMigrations } = options;
  const { open = createPostgresPool } = options;
  const connections = open({
    connect,
    migrate: (sql, signal) => migratePostgres(sql, migrations, signal),
  });
  const { run, share, migrate, refresh, reconnect, inFlight, close } = connections;
  const on = (sql: Sql | TransactionSql, signal: AbortSignal) =>
    queryOn(sql, { signal, traceparent: traceparent?.() });

  return {
    kind: "postgres",
    migrate,

    // Needs no key: any client may call it by way of /ready.
    ping: share(() =>
      run(async (sql, signal) => {
        await on(sql, signal)("SELECT 1 FROM schema_migrations LIMIT 1");
      }),
    ),

    read: (work) => run((sql, signal) => work(on(sql, signal))),

    write: (work) =>
      run((sql, signal) =>
        inTransaction(sql, async (transaction) => {
          const result = await work(on(transaction, signal));
          // Before the COMMIT: nobody waits for the answer any more.
          signal.throwIfAborted();
          return result;
        }),
      ),

    refresh: () => refresh?.(),
    reconnect: () => reconnect?.(),
    ...(poolSize !== undefined && { poolUse: () => poolUseOf(inFlight?.() ?? 0, poolSize) }),
    close,
  };
}

/** An operation has one connection from its beginning to its end. */
function poolUseOf(inFlight: number, size: number) {
  const inUse = Math.min(inFlight, size);
  return { size, inUse, waiting: inFlight - inUse };
}
