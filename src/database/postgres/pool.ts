import type { Sql } from "postgres";
import { DomainError } from "../../errors.ts";
import { type Deadline, withDeadline } from "../../time.ts";
import type { PoolUse } from "../lifecycle.ts";
import { NewerSchemaError, UnusableDatabaseError } from "../migrations/migration.ts";
import { type Connections, createConnections } from "./connections.ts";
import {
  isReadOnlyError,
  isServerError,
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

type StartOptions = { deadline?: Deadline | undefined; isUrgent?: boolean };

type PostgresPool = ReturnType<typeof createPostgresPool>;

/** How a database reaches its server. Only a pool has connections to refresh and to count. */
export type PostgresConnections = Omit<PostgresPool, "refresh" | "reconnect" | "use"> &
  Partial<Pick<PostgresPool, "refresh" | "reconnect" | "use">>;

/** A database that cannot be used is no reason to stop for a service that runs: it may be put right. */
async function whileServing(migration: Promise<unknown>): Promise<void> {
  try {
    await migration;
  } catch (error) {
    throw isUnusable(error) ? unavailableError(error) : translatePostgresError(error);
  }
}

function isUnusable(error: unknown): boolean {
  return error instanceof UnusableDatabaseError || error instanceof NewerSchemaError;
}

/**
 * A pool that can be made while the server is down, and that heals by itself: its first operation that
 * reaches the server brings the schema up to date, and connections that hang are replaced.
 */
export function createPostgresPool({ servers, size, migrate }: PoolOptions) {
  const closing = new AbortController();
  let current = open();

  /** What waits for a connection of one database never gets one of the next. */
  function openConnections(): Connections {
    const there = servers();
    return createConnections({ open: (onClose) => openConnection(there, onClose), size });
  }

  function open(): Pool {
    const answeredAt = performance.now();
    return { connections: openConnections(), migration: undefined, isMigrated: false, answeredAt };
  }

  function migrated(pool: Pool): Promise<number> {
    pool.migration ??= prepare(pool).then(
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

  async function prepare({ connections }: Pool): Promise<number> {
    const sql = await connections.acquire(closing.signal);
    try {
      return await migrate(sql, closing.signal);
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

  async function operate<T>(
    pool: Pool,
    work: (sql: Sql) => Promise<T>,
    { signal, isUrgent }: { signal: AbortSignal; isUrgent: boolean | undefined },
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
      throw translatePostgresError(error);
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
        if (!pool.isMigrated) await whileServing(migrated(pool));
        return operate(pool, (sql) => work(sql, time), { signal: time.signal, isUrgent });
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
