import type { Sql } from "postgres";
import type { Deadline } from "../../time.ts";
import { isSchemaError, translateOperationError, unavailableError } from "./errors.ts";
import type { Migrate, PostgresConnections } from "./pool.ts";
import { type OperationTime, runInTime } from "./time-limits.ts";

type SessionOptions = {
  migrate: Migrate;
  /** Makes a connection; called for every operation. */
  connect: () => Sql;
  /** Receives the end of each connection, which the operation's result does not wait for. */
  release: (end: Promise<void>) => void;
};

/**
 * In place of a pool, where a connection cannot outlive the request that opened it, as on Workers: each
 * operation gets a connection of its own. The first that reaches the server brings the schema up to date.
 * No operation waits for what belongs to another.
 */
export function createPostgresSessions({
  connect,
  migrate,
  release,
}: SessionOptions): PostgresConnections {
  let isMigrated = false;

  async function migrateOnce(sql: Sql, signal: AbortSignal): Promise<number> {
    if (isMigrated) return 0;
    const applied = await migrate(sql, signal);
    isMigrated = true;
    return applied;
  }

  /** A connection for some work, whether the schema is up to date or not. */
  async function connected<T>(
    work: (sql: Sql, time: OperationTime) => Promise<T>,
    deadline?: Deadline,
  ): Promise<T> {
    const sql = connect();
    const attempt = async (time: OperationTime) => {
      try {
        return await work(sql, time);
      } catch (error) {
        throw isSocketError(error) ? unavailableError(error) : translateOperationError(error);
      }
    };
    try {
      return await runInTime(attempt, { deadline });
    } finally {
      release(sql.end({ timeout: 0 }));
    }
  }

  /** If the error may come from a schema that a newer release has changed, looks whether it does. */
  async function explain(error: unknown, sql: Sql, signal: AbortSignal): Promise<never> {
    if (isSchemaError(error)) {
      isMigrated = false;
      await migrateOnce(sql, signal);
    }
    throw error;
  }

  const run: PostgresConnections["run"] = (work, deadline) =>
    connected(async (sql, time) => {
      await migrateOnce(sql, time.signal);
      return work(sql, time).catch((error) => explain(error, sql, time.signal));
    }, deadline);

  return {
    run,
    runUrgent: run,
    inspect: (work) => connected(work),
    share: (work) => work,
    migrate: () => connected((sql, { signal }) => migrateOnce(sql, signal)),
    close: async () => {},
  };
}

/**
 * On Workers, an error of a socket is a plain Error without a code. The driver's own errors and the
 * server's have codes, and a defect is of a class of its own, such as a TypeError.
 */
function isSocketError(error: unknown): boolean {
  return error instanceof Error && error.name === "Error" && !("code" in error);
}
