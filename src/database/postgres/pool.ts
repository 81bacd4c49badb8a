import type { Sql } from "postgres";
import type { DomainError } from "../../errors.ts";
import { withDeadline } from "../../time.ts";
import { STATEMENT_TIMEOUT_MS } from "./connection.ts";
import {
  isReadOnlyError,
  isServerError,
  translatePostgresError,
  unavailableError,
} from "./errors.ts";

/**
 * How long an operation may take in all, waiting for a connection included. The server's own timeout
 * cannot fire where the server has vanished.
 */
export const OPERATION_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 1000;

/** How long operations in flight may go on in a pool that is no longer used. */
const DRAIN_GRACE_SECONDS = 5;

/** How long undoing a migration may take; the migration may not have reached the server yet. */
const UNDOING_GRACE_SECONDS = 1;

export type PoolOptions = {
  /** Makes a pool of the driver's. It is called again when the last one no longer answers. */
  connect: () => Sql;
  /** Brings the schema up to date, until the signal aborts; returns the number of migrations. */
  migrate: (sql: Sql, signal: AbortSignal) => Promise<number>;
};

type Pool = {
  sql: Sql;
  migration: Promise<number> | undefined;
  isMigrated: boolean;
  /** When the server last answered anything, by `performance.now()`. */
  answeredAt: number;
  inFlight: number;
  /** Whether it ends with its last operation. */
  draining: boolean;
};

type PostgresPool = ReturnType<typeof createPostgresPool>;

/** How a database reaches its server. Only a pool has connections to refresh and to wait for. */
export type PostgresConnections = Omit<PostgresPool, "refresh" | "reconnect" | "inFlight"> &
  Partial<Pick<PostgresPool, "refresh" | "reconnect" | "inFlight">>;

/**
 * A pool that can be made while the server is down, and that heals by itself: its first operation that
 * reaches the server brings the schema up to date, and connections that hang are replaced.
 */
export function createPostgresPool({ connect, migrate }: PoolOptions) {
  const closing = new AbortController();
  let current = open();

  function open(): Pool {
    const answeredAt = performance.now();
    return {
      ...{ sql: connect(), migration: undefined, isMigrated: false },
      ...{ answeredAt, inFlight: 0, draining: false },
    };
  }

  function migrated(pool: Pool): Promise<number> {
    pool.migration ??= migrate(pool.sql, closing.signal).then(
      (applied) => {
        pool.isMigrated = true;
        return applied;
      },
      (error: unknown) => {
        pool.migration = undefined;
        throw error;
      },
    );
    return pool.migration;
  }

  /** For connections that hang. New ones may reach another server, so the schema is checked again. */
  function replace(pool: Pool): void {
    if (current !== pool) return;
    current = open();
    void pool.sql.end({ timeout: 0 });
  }

  /** For connections that are read-only, which they stay when the server lets new ones write again. */
  function refresh(pool: Pool): void {
    if (current !== pool) return;
    current = { ...pool, sql: connect(), inFlight: 0 };
    void pool.sql.end({ timeout: DRAIN_GRACE_SECONDS });
  }

  /** Not before: the driver would refuse the next statement of an operation. */
  function endIfDone(pool: Pool): void {
    if (pool.draining && pool.inFlight === 0) {
      void pool.sql.end({ timeout: DRAIN_GRACE_SECONDS });
    }
  }

  /**
   * One operation that was too slow may have waited for a lock or in a queue. Only if no other got an
   * answer either, the connections hang. A migration may take any time.
   */
  function expire(pool: Pool): never {
    const silence = performance.now() - pool.answeredAt;
    if (pool.isMigrated && silence >= OPERATION_TIMEOUT_MS) replace(pool);
    if (pool.draining) void pool.sql.end({ timeout: 0 });
    throw noAnswer();
  }

  async function attempt<T>(pool: Pool, work: () => Promise<T>): Promise<T> {
    pool.inFlight += 1;
    try {
      await migrated(pool);
      const result = await work();
      pool.answeredAt = performance.now();
      return result;
    } catch (error) {
      if (isServerError(error)) pool.answeredAt = performance.now();
      if (isReadOnlyError(error)) refresh(pool);
      throw translatePostgresError(error);
    } finally {
      pool.inFlight -= 1;
      endIfDone(pool);
    }
  }

  return {
    /**
     * Work that misses its deadline never runs later: statements that wait for a connection are not sent,
     * and a transaction is rolled back.
     *
     * @throws {DomainError} `store_unavailable` when no answer comes in time.
     */
    run<T>(work: (sql: Sql, signal: AbortSignal) => Promise<T>): Promise<T> {
      const pool = current;
      const time = new AbortController();
      const done = attempt(pool, () => work(pool.sql, time.signal));
      return withDeadline(done, OPERATION_TIMEOUT_MS, () => {
        time.abort(noAnswer());
        return expire(pool);
      });
    },

    /** Runs `work` once for all calls that come while it runs: for what any client may call at any rate. */
    share<T>(work: () => Promise<T>): () => Promise<T> {
      let inProgress: Promise<T> | undefined;
      return () => {
        inProgress ??= work().finally(() => {
          inProgress = undefined;
        });
        return inProgress;
      };
    },

    /** Brings the schema up to date now, however long that takes; returns the number of migrations. */
    migrate(): Promise<number> {
      const pool = current;
      return attempt(pool, () => migrated(pool));
    },

    /**
     * Connects again for what comes next: the present connections may be lost without a sign, and with
     * them a migration in progress.
     */
    refresh(): void {
      if (current.isMigrated) refresh(current);
      else replace(current);
    },

    /**
     * Connects again for what comes next, perhaps to another database, which is migrated first. Operations
     * in flight end on their connections.
     */
    reconnect(): void {
      const last = current;
      current = open();
      last.draining = true;
      endIfDone(last);
    },

    /**
     * The number of operations that have a connection or wait for one, also those that missed their deadline.
     */
    inFlight(): number {
      return current.inFlight;
    },

    /** Operations in flight may end; a migration, which may take any time, is undone. */
    close(): Promise<void> {
      closing.abort(unavailableError(new Error("The pool was closed")));
      const timeout = current.isMigrated ? DRAIN_GRACE_SECONDS : UNDOING_GRACE_SECONDS;
      return current.sql.end({ timeout });
    },
  };
}

/** The error of an operation that took too long. */
export function noAnswer(): DomainError {
  return unavailableError(new Error(`No answer within ${OPERATION_TIMEOUT_MS} ms`));
}
