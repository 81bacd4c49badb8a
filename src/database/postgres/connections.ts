import type { Sql } from "postgres";
import type { PoolUse } from "../lifecycle.ts";
import { unavailableError } from "./errors.ts";

/** How long to wait after a connection could not be opened, before another one is. */
const REOPEN_DELAY_MS = 250;

/** How long a connection may be without work before it is closed. One stays, for the next operation. */
const IDLE_MS = 60_000;

/** How long a connection without work may take to close. */
const END_SECONDS = 1;

export type ConnectionsOptions = {
  /** Opens a connection, which carries one operation at a time; `onClose` is called when it is lost. */
  open: (onClose: (sql: Sql) => void) => Promise<Sql>;
  /** The most connections. */
  size: number;
  /** A minute by default. */
  idleMs?: number | undefined;
};

export type Connections = ReturnType<typeof createConnections>;

/** A connection without work, and since when, by `performance.now()`. */
type Idle = { sql: Sql; since: number };

type Waiter = { take: (sql: Sql) => void; fail: (error: unknown) => void };

/**
 * Connections that are opened when they are needed and lent to one operation at a time. The driver's own pool
 * lets statements wait for a slow one of another operation, though other connections are idle.
 */
export function createConnections({ open, size, idleMs = IDLE_MS }: ConnectionsOptions) {
  /** The one that has waited longest is the first, and the last is used next, so that the others may close. */
  const idle: Idle[] = [];
  let closing: ReturnType<typeof setTimeout> | undefined;
  const lent = new Set<Sql>();
  /** In the order in which they came. */
  const waiting = new Set<Waiter>();
  const lost = new WeakSet<Sql>();
  const endings = new Set<Promise<void>>();
  const drained = Promise.withResolvers<void>();
  let opening = 0;
  let failedAt = Number.NEGATIVE_INFINITY;
  let isDraining = false;

  function end(sql: Sql, timeout = END_SECONDS): void {
    const ending = sql.end({ timeout }).finally(() => endings.delete(ending));
    endings.add(ending);
  }

  /** The driver would connect again by itself, in the middle of an operation. */
  function onClose(sql: Sql): void {
    lost.add(sql);
    end(sql, 0);
    const index = idle.findIndex((each) => each.sql === sql);
    if (index !== -1) idle.splice(index, 1);
  }

  /** Gives a connection that has become free to the one that has waited longest. */
  function pass(sql: Sql): void {
    const [next] = lost.has(sql) ? [] : waiting;
    if (next) {
      waiting.delete(next);
      lent.add(sql);
      next.take(sql);
    } else if (isDraining) end(sql);
    else if (!lost.has(sql)) keep(sql);
    proceed();
  }

  function keep(sql: Sql): void {
    idle.push({ sql, since: performance.now() });
    closing ??= setTimeout(closeIdle, idleMs);
  }

  function closeIdle(): void {
    const now = performance.now();
    const isOver = ([first]: readonly Idle[]) => first && now - first.since >= idleMs;
    while (idle.length + lent.size > 1 && isOver(idle)) endIdle(1);
    const [next] = idle;
    const isNeeded = next && idle.length + lent.size > 1;
    closing = isNeeded ? setTimeout(closeIdle, next.since + idleMs - now) : undefined;
  }

  function endIdle(count = idle.length): void {
    for (const { sql } of idle.splice(0, count)) end(sql);
  }

  /** Opens connections for those that wait, as long as there may be more; or ends a drain. */
  function proceed(): void {
    while (waiting.size > opening && lent.size + opening < size) void openOne();
    if (isDraining && lent.size + opening + waiting.size === 0) drained.resolve();
  }

  async function openOne(): Promise<void> {
    opening += 1;
    try {
      const delay = failedAt + REOPEN_DELAY_MS - performance.now();
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
      const sql = await open(onClose);
      opening -= 1;
      pass(sql);
    } catch (error) {
      opening -= 1;
      failedAt = performance.now();
      // Where others have connections, one of theirs will do, or the next attempt.
      if (lent.size + opening === 0) failAll(error);
      else proceed();
    }
  }

  function failAll(error: unknown): void {
    for (const waiter of waiting) waiter.fail(error);
    waiting.clear();
    proceed();
  }

  return {
    /** A connection of one's own, until it is released or discarded; it is waited for in a fair queue. */
    acquire(signal: AbortSignal): Promise<Sql> {
      if (signal.aborted) return Promise.reject(signal.reason);
      const free = idle.pop();
      if (free) {
        lent.add(free.sql);
        return Promise.resolve(free.sql);
      }
      const { promise, resolve, reject } = Promise.withResolvers<Sql>();
      const waiter: Waiter = { take: resolve, fail: reject };
      waiting.add(waiter);
      const leave = () => {
        if (waiting.delete(waiter)) reject(signal.reason);
        proceed();
      };
      signal.addEventListener("abort", leave, { once: true });
      proceed();
      return promise;
    },

    release(sql: Sql): void {
      if (lent.delete(sql)) pass(sql);
    },

    /** Closes a connection at once, with whatever is in progress on it. */
    discard(sql: Sql): void {
      if (!lent.delete(sql)) return;
      end(sql, 0);
      proceed();
    },

    /** One that is being opened counts as in use by the operation that waits for it. */
    use(): PoolUse {
      const expected = Math.min(opening, waiting.size);
      return { size, inUse: lent.size + expected, waiting: waiting.size - expected };
    },

    /** Closes each connection as soon as nothing needs it; resolves when that is done. */
    async drain(): Promise<void> {
      isDraining = true;
      clearTimeout(closing);
      endIdle();
      proceed();
      await drained.promise;
      await Promise.all(endings);
    },

    /** Closes every connection at once. What waits for one fails. */
    destroy(): void {
      isDraining = true;
      clearTimeout(closing);
      const all = [...idle.splice(0).map(({ sql }) => sql), ...lent];
      lent.clear();
      for (const sql of all) end(sql, 0);
      failAll(unavailableError(new Error("The connections were closed")));
      drained.resolve();
    },
  };
}
