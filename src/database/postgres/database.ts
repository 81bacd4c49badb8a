import type { Sql, TransactionSql } from "postgres";
import { type Migration, requireCompatible } from "../migrations/migration.ts";
import { postgresMigrations } from "../migrations/postgres.ts";
import type { PostgresDatabase, Query } from "../postgres.ts";
import { migratePostgres, readPostgresSchema } from "./migrate.ts";
import type { Migrate, PostgresConnections } from "./pool.ts";
import { queryOn } from "./query.ts";
import { failOnSilence, type OperationTime } from "./time-limits.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Whether the next write could succeed: on a standby, and where it is configured so, every transaction only
 * reads. A newer release may have changed the schema since.
 */
const STATE = `
  SELECT current_setting('transaction_read_only') = 'on' AS is_read_only, max(version) AS version
  FROM schema_migrations`;

type PostgresDatabaseOptions = {
  /** Opens what keeps the connections. */
  open: (options: { migrate: Migrate }) => PostgresConnections;
  /** Names the request in progress to the server, as a `traceparent` header, if it is traced. */
  traceparent?: (() => string | undefined) | undefined;
  migrations?: readonly Migration[];
};

/**
 * A database on PostgreSQL, which may be down when this is called: the first operation that reaches the
 * server brings the schema up to date.
 */
export function createPostgresDatabase(options: PostgresDatabaseOptions): PostgresDatabase {
  const { open, traceparent, migrations = postgresMigrations } = options;
  const connections = open({ migrate: (sql, signal) => migratePostgres(sql, migrations, signal) });
  const { run, runUrgent, share, inspect, migrate, refresh, reconnect, use, close } = connections;
  const on = (sql: Sql | TransactionSql, signal: AbortSignal) =>
    queryOn(sql, { signal, traceparent: traceparent?.() });
  const changing =
    <T>(work: (query: Query) => Promise<T>) =>
    (sql: Sql, { signal, beginChange }: OperationTime) => {
      const query = on(sql, signal);
      return work(async (...statement) => {
        beginChange();
        return query(...statement);
      });
    };

  return {
    kind: "postgres",
    migrate,

    async schema() {
      const schema = await inspect((sql) => failOnSilence(() => readPostgresSchema(queryOn(sql))));
      return { ...schema, known: migrations.length };
    },

    // Needs no key: any client may call it by way of /ready. A full pool does not make the server unavailable.
    ping: share(() =>
      runUrgent(async (sql, { signal }) => {
        const query = on(sql, signal);
        const [row] = await query(STATE);
        if (Number(row?.version) > migrations.length) {
          requireCompatible(await readPostgresSchema(query), migrations.length);
        }
        return row?.is_read_only ? "read_only" : "ok";
      }),
    ),

    read: (work, deadline) => run((sql, { signal }) => work(on(sql, signal)), deadline),

    change: (work, deadline) => run(changing(work), deadline),

    changeUrgently: (work, deadline) => runUrgent(changing(work), deadline),

    write: (work, deadline) =>
      run(
        (sql, { signal, beginCommit }) =>
          inTransaction(sql, async (transaction) => {
            const result = await work(on(transaction, signal));
            beginCommit();
            return result;
          }),
        deadline,
      ),

    refresh: () => refresh?.(),
    reconnect: () => reconnect?.(),
    ...(use && { poolUse: use }),
    close,
  };
}
