import type { Sql } from "postgres";
import { DomainError } from "../../errors.ts";
import { type Deadline, withDeadline } from "../../time.ts";
import type { PoolUse } from "../lifecycle.ts";
import { type Connections, createConnections } from "./connections.ts";
import {
  isReadOnlyError,
  isSchemaError,
  isServerError,
  translateOperationError,
  translatePostgresError,
  unavailableError,
} from "./errors.ts";
import { openConnection, type Server } from "./open-connection.ts";
import { OPERATION_TIMEOUT_MS, type OperationTime, runInTime } from "./time-limits.ts";

/** How long operations in flight may go on in a pool that is closed. */
const DRAIN_GRACE_MS = 5000;

/** How long undoing a migration may take; the migration may not have reached the server yet. */
const UNDOING_GRACE_MS = 1000;

/** How long an operation may take to end after its time is over, before its connection is closed. */
const ABORT_GRACE_MS = 2000;

/** Brings the schema up to date, until the signal aborts; returns the number of migrations. */
export type Migrate = (sql: Sql, signal: AbortSignal) => Promise<number>;

export type PoolOptions = {
  /** Where the database is now, in the order in which the servers are tried. */
  servers: () => readonly Server[];
  /** The most connections, but for one more when urgent work finds all of them in use. */
  size: number;
  /** After how long idle connections close, but one: a minute by default. */
  idleMs?: number;
  migrate: Migrate;
};

type Pool = {
  connections: Connections;
  migration: Promise<number> | undefined;
  isMigrated: boolean;
  /** When the server last answered anything, by `performance.now()`. */
  answeredAt: number;
};

/** What is done with a connection. */
type Work<T> = (sql: Sql, time: OperationTime) => Promise<T>;

type OperateOptions = { signal: AbortSignal; isUrgent: boolean | undefined };

type StartOptions = { deadline?: Deadline | undefined; isUrgent?: boolean };

type PostgresPool = ReturnType<typeof createPostgresPool>;

/** How a database reaches its server. Only a pool has connections to refresh and to count. */
export type PostgresConnections = Omit<PostgresPool, "refresh" | "reconnect" | "use"> &
  Partial<Pick<PostgresPool, "refresh" | "reconnect" | "use">>;

/**
 * A pool that can be made while the server is down, and that heals by itself: its first operation that
 * reaches the server brings the schema up to date, and connections that hang are replaced.
 */
export function createPostgresPool({ servers, size, idleMs, migrate }: PoolOptions) {
  const closing = new AbortController();
  let current = open();

  /** What waits for a connection of one database never gets one of the next. */
  function openConnections(): Connections {
    const there = servers();
    const open = (onClose: (sql: Sql) => void) => openConnection(there, onClose);
    return createConnections({ open, size, idleMs });
  }

  function open(): Pool {
    const answeredAt = performance.now();
    return { connections: openConnections(), migration: undefined, isMigrated: false, answeredAt };
  }

  function migrated(pool: Pool): Promise<number> {
    pool.migration ??= borrow(pool, (sql) => migrate(sql, closing.signal)).then(
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

  /**
   * Looks whether a newer release has changed the schema since. If it does not work with this one any more,
   * that is what this and all further operations fail with.
   */
  async function checkSchema(): Promise<void> {
    const pool = current;
    if (pool.isMigrated) {
      pool.isMigrated = false;
      pool.migration = undefined;
    }
    await migrated(pool);
  }

  /** A connection for work that operations wait for, and that may take any time. */
  async function borrow<T>({ connections }: Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
    const sql = await connections.acquire(closing.signal, { isUrgent: true });
    try {
      return await work(sql);
    } catch (error) {
      // A connection that is silent, or stays read-only, is of no more use.
      if (error instanceof DomainError || isReadOnlyError(error)) connections.discard(sql);
      throw error;
    } finally {
      connections.release(sql);
    }
  }

  /** For connections that hang. New ones may reach another server, so the schema is checked again. */
  function replace(pool: Pool): void {
    if (current !== pool) return;
    current = open();
    pool.connections.destroy();
  }

  /** For connections that are read-only, which they stay when the server lets new ones write again. */
  function refresh(pool: Pool): void {
    if (current !== pool) return;
    current = { ...pool, connections: openConnections() };
    void pool.connections.drain();
  }

  /**
   * One operation that was too slow may have waited for a lock or in a queue. Only if no other got an
   * answer either, the connections hang. A migration may take any time.
   */
  function replaceIfSilent(pool: Pool): void {
    const silence = performance.now() - pool.answeredAt;
    if (pool.isMigrated && silence >= OPERATION_TIMEOUT_MS) replace(pool);
  }

  async function attempt<T>(
    pool: Pool,
    work: (sql: Sql) => Promise<T>,
    options: OperateOptions,
  ): Promise<T> {
    if (!pool.isMigrated) await migrated(pool);
    try {
      return await operate(pool, work, options);
    } catch (error) {
      if (isSchemaError(error)) await checkSchema();
      throw error;
    }
  }

  async function operate<T>(
    pool: Pool,
    work: (sql: Sql) => Promise<T>,
    { signal, isUrgent }: OperateOptions,
  ): Promise<T> {
    const { connections } = pool;
    const sql = await connections.acquire(signal, { isUrgent });
    let giveUp: ReturnType<typeof setTimeout> | undefined;
    const onAbort = () => {
      giveUp = setTimeout(() => connections.discard(sql), ABORT_GRACE_MS);
    };
    signal.addEventListener("abort", onAbort);
    try {
      signal.throwIfAborted();
      const result = await work(sql);
      pool.answeredAt = performance.now();
      return result;
    } catch (error) {
      if (isServerError(error)) pool.answeredAt = performance.now();
      if (isReadOnlyError(error)) refresh(pool);
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      clearTimeout(giveUp);
      connections.release(sql);
    }
  }

  function start<T>(work: Work<T>, { deadline, isUrgent }: StartOptions): Promise<T> {
    const pool = current;
    const onExpiry = (wasFull: boolean) => {
      if (wasFull) replaceIfSilent(pool);
    };
    return runInTime(
      async (time) => {
        closing.signal.throwIfAborted();
        try {
          return await attempt(pool, (sql) => work(sql, time), { signal: time.signal, isUrgent });
        } catch (error) {
          throw translateOperationError(error);
        }
      },
      { deadline, onExpiry },
    );
  }

  return {
    /**
     * Gives the work a connection of its own, from its beginning to its end. Work that misses its deadline
     * never runs later: what waits for a connection is not begun, and a transaction is rolled back.
     *
     * @throws {DomainError} see {@link runInTime}.
     */
    run: <T>(work: Work<T>, deadline?: Deadline): Promise<T> => start(work, { deadline }),

    /**
     * Like `run`, before all that waits, and on one connection more if all are in use: for short work that
     * has to know how the server is, not how busy this pool is.
     */
    runUrgent: <T>(work: Work<T>): Promise<T> => start(work, { isUrgent: true }),

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

    /** For what is done whether the schema is up to date or not. */
    async inspect<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
      try {
        return await borrow(current, work);
      } catch (error) {
        throw translatePostgresError(error);
      }
    },

    /** Brings the schema up to date now, however long that takes; returns the number of migrations. */
    async migrate(): Promise<number> {
      try {
        return await migrated(current);
      } catch (error) {
        throw translatePostgresError(error);
      }
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
      void last.connections.drain();
    },

    use: (): PoolUse => current.connections.use(),

    /** Operations in flight may end; a migration, which may take any time, is undone. */
    close(): Promise<void> {
      closing.abort(unavailableError(new Error("The pool was closed")));
      const { connections, isMigrated } = current;
      const grace = isMigrated ? DRAIN_GRACE_MS : UNDOING_GRACE_MS;
      return withDeadline(connections.drain(), grace, () => connections.destroy());
    },
  };
}
