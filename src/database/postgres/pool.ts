import type { Sql } from "postgres";
import type { DomainError } from "../../errors.ts";
import { withDeadline } from "../../time.ts";
import { abortable } from "./abortable-sql.ts";
import { STATEMENT_TIMEOUT_MS } from "./connection.ts";
import {
  isReadOnlyError,
  isServerError,
  translatePostgresError,
  unavailableError,
} from "./migrate.ts";

/**
 * How long an operation may take in all, waiting for a connection included. The server's own timeout
 * cannot fire where the server has vanished.
 */
export const OPERATION_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 1000;

/** How long the operations under way may go on in a pool that is no longer used. */
const RENEWAL_GRACE_SECONDS = 5;

/** How long a preparation that is undone may take for that; it may be one that has yet to reach the server. */
const UNDOING_GRACE_SECONDS = 1;

export type PoolOptions = {
  /** Makes a driver's pool. It is called again when the last one is of no more use. */
  connect: () => Sql;
  /** Brings the schema up to date; says how many migrations that took. */
  prepare: (sql: Sql) => Promise<number>;
};

type Pool = {
  sql: Sql;
  preparation: Promise<number> | undefined;
  prepared: boolean;
  /** When the server last answered anything, by `performance.now()`. */
  answeredAt: number;
  /** How many operations are under way. */
  underWay: number;
  /** Whether it ends when none is. */
  retired: boolean;
};

export type PostgresPool = ReturnType<typeof createPostgresPool>;

/** What a store reaches the server by. Only a pool has connections to renew and to wait for. */
export type PostgresConnections = Omit<PostgresPool, "renew" | "reconnect" | "running"> &
  Partial<Pick<PostgresPool, "renew" | "reconnect" | "running">>;

/**
 * A pool that can be made while the server is down, and that heals by itself: its first operation
 * which reaches the server prepares the database, and connections that hang are replaced.
 */
export function createPostgresPool({ connect, prepare }: PoolOptions) {
  const closing = new AbortController();
  let current = open();

  function open(): Pool {
    const answeredAt = performance.now();
    return {
      ...{ sql: connect(), preparation: undefined, prepared: false },
      ...{ answeredAt, underWay: 0, retired: false },
    };
  }

  function prepared(pool: Pool): Promise<number> {
    pool.preparation ??= prepare(abortable(pool.sql, closing.signal)).then(
      (applied) => {
        pool.prepared = true;
        return applied;
      },
      (error: unknown) => {
        pool.preparation = undefined;
        throw error;
      },
    );
    return pool.preparation;
  }

  /** Connections that hang; the server behind new ones may be another. */
  function giveUp(pool: Pool): void {
    if (current !== pool) return;
    current = open();
    void pool.sql.end({ timeout: 0 });
  }

  /** A connection that may only read stays so, also when the server lets new ones write again. */
  function renew(pool: Pool): void {
    if (current !== pool) return;
    current = { ...pool, sql: connect(), underWay: 0 };
    void pool.sql.end({ timeout: RENEWAL_GRACE_SECONDS });
  }

  /** The driver would refuse an operation that has yet to send its next statement. */
  function endIfDone(pool: Pool): void {
    if (pool.retired && pool.underWay === 0) {
      void pool.sql.end({ timeout: RENEWAL_GRACE_SECONDS });
    }
  }

  /**
   * One operation that came too late may have waited for a lock or in a queue. Only where nothing
   * else got an answer either do the connections hang. A migration may take its time.
   */
  function expire(pool: Pool): never {
    const silence = performance.now() - pool.answeredAt;
    if (pool.prepared && silence >= OPERATION_TIMEOUT_MS) giveUp(pool);
    if (pool.retired) void pool.sql.end({ timeout: 0 });
    throw noAnswer();
  }

  async function attempt<T>(pool: Pool, work: () => Promise<T>): Promise<T> {
    pool.underWay += 1;
    try {
      await prepared(pool);
      const result = await work();
      pool.answeredAt = performance.now();
      return result;
    } catch (error) {
      if (isServerError(error)) pool.answeredAt = performance.now();
      if (isReadOnlyError(error)) renew(pool);
      throw translatePostgresError(error);
    } finally {
      pool.underWay -= 1;
      endIfDone(pool);
    }
  }

  return {
    /**
     * What is not done in time is not done later: work that waits for a connection never begins, and a
     * transaction is rolled back.
     *
     * @throws {DomainError} `store_unavailable` when no answer comes in time.
     */
    run<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
      const pool = current;
      const time = new AbortController();
      const done = attempt(pool, () => work(abortable(pool.sql, time.signal)));
      return withDeadline(done, OPERATION_TIMEOUT_MS, () => {
        time.abort(noAnswer());
        return expire(pool);
      });
    },

    /** The work, done once for all who ask for it before it is done: for what anybody may ask for at any rate. */
    share<T>(work: () => Promise<T>): () => Promise<T> {
      let underWay: Promise<T> | undefined;
      return () => {
        underWay ??= work().finally(() => {
          underWay = undefined;
        });
        return underWay;
      };
    },

    /** Prepares the database now, however long that takes; says how many migrations it took. */
    prepare(): Promise<number> {
      const pool = current;
      return attempt(pool, () => prepared(pool));
    },

    /**
     * Connects anew for whatever comes next: the connections there are may lead nowhere any more, and
     * a preparation under way on one of them nowhere either.
     */
    renew(): void {
      if (current.prepared) renew(current);
      else giveUp(current);
    },

    /**
     * Connects anew for whatever comes next, perhaps to another database, which is prepared first. What
     * is under way ends on the connections that it has.
     */
    reconnect(): void {
      const retired = current;
      current = open();
      retired.retired = true;
      endIfDone(retired);
    },

    /**
     * How many operations have a connection or wait for one, those included that nobody waits for any
     * more.
     */
    running(): number {
      return current.underWay;
    },

    /** What is under way may end; a preparation, which may take any time, is undone. */
    close(): Promise<void> {
      closing.abort(unavailableError(new Error("The pool was closed")));
      const timeout = current.prepared ? RENEWAL_GRACE_SECONDS : UNDOING_GRACE_SECONDS;
      return current.sql.end({ timeout });
    },
  };
}

/** What an operation fails with that took too long. */
export function noAnswer(): DomainError {
  return unavailableError(new Error(`No answer within ${OPERATION_TIMEOUT_MS} ms`));
}
