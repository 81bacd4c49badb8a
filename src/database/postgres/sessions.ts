import type { Sql } from "postgres";
import { withDeadline } from "../../time.ts";
import { translatePostgresError, unavailableError } from "./migrate.ts";
import {
  noAnswer,
  OPERATION_TIMEOUT_MS,
  type PoolOptions,
  type PostgresConnections,
} from "./pool.ts";

/** `connect` is called for every operation. */
type SessionOptions = PoolOptions & {
  /** Is given the end of each connection, which the operation's result does not wait for. */
  release: (end: Promise<void>) => void;
};

type Work<T> = (sql: Sql, applied: number) => Promise<T>;

/**
 * In the place of a pool, where a connection cannot outlive the request that opened it, as on Workers:
 * each operation gets a connection of its own. The first that reaches the server prepares the database.
 * Nothing that one operation waits for belongs to another.
 */
export function createPostgresSessions({
  connect,
  prepare,
  release,
}: SessionOptions): PostgresConnections {
  let prepared = false;

  async function ready(sql: Sql): Promise<number> {
    if (prepared) return 0;
    const applied = await prepare(sql);
    prepared = true;
    return applied;
  }

  async function attempt<T>(sql: Sql, work: Work<T>): Promise<T> {
    try {
      const applied = await ready(sql);
      return await work(sql, applied);
    } catch (error) {
      throw isSocketError(error) ? unavailableError(error) : translatePostgresError(error);
    }
  }

  async function run<T>(work: Work<T>): Promise<T> {
    const sql = connect();
    try {
      return await withDeadline(attempt(sql, work), OPERATION_TIMEOUT_MS, () => {
        throw noAnswer();
      });
    } finally {
      release(sql.end({ timeout: 0 }));
    }
  }

  return {
    run,
    share: (work) => work,
    prepare: () => run(async (_sql, applied) => applied),
    close: async () => {},
  };
}

/**
 * What Workers say of a socket is an error of no kind and without a code. The driver's own errors and
 * the server's have codes, and a defect is of a kind, such as a TypeError.
 */
function isSocketError(error: unknown): boolean {
  return error instanceof Error && error.name === "Error" && !("code" in error);
}
