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
  /** The most connections, but for one more when urgent work finds all of them in use. */
  size: number;
  /** A minute by default. */
  idleMs?: number | undefined;
};

type AcquireOptions = {
  /** Comes before all that waits, and may use the one connection more. */
  isUrgent?: boolean | undefined;
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
  /** Both in the order in which they came. */
  const urgent = new Set<Waiter>();
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

  /** The next that may have a connection; it does not wait any more. */
  function takeWaiter(): Waiter | undefined {
    if (urgent.size === 0 && lent.size >= size) return undefined;
    const line = urgent.size > 0 ? urgent : waiting;
    const [next] = line;
    if (next) line.delete(next);
    return next;
  }

  /** Lends what is free to those that wait. */
  function lendIdle(): void {
    for (let free = idle.at(-1); free; free = idle.at(-1)) {
      const next = takeWaiter();
      if (!next) return;
      idle.pop();
      lent.add(free.sql);
      next.take(free.sql);
    }
  }

  /** A connection is free, unless it is lost. */
  function pass(sql: Sql): void {
    if (!lost.has(sql)) keep(sql);
    proceed();
  }

  function keep(sql: Sql): void {
    idle.push({ sql, since: performance.now() });
    if (!isDraining) closing ??= setTimeout(closeIdle, idleMs);
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

  /** Lends connections to those that wait, and opens more as long as there may be more; or ends a drain. */
  function proceed(): void {
    lendIdle();
    const most = urgent.size > 0 ? size + 1 : size;
    while (urgent.size + waiting.size > opening && lent.size + opening < most) void openOne();
    if (!isDraining) return;
    endIdle();
    if (lent.size + opening + urgent.size + waiting.size === 0) drained.resolve();
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
    for (const waiter of [...urgent, ...waiting]) waiter.fail(error);
    urgent.clear();
    waiting.clear();
    proceed();
  }

  return {
    /** A connection of one's own, until it is released or discarded; it is waited for in a fair queue. */
    acquire(signal: AbortSignal, { isUrgent = false }: AcquireOptions = {}): Promise<Sql> {
      if (signal.aborted) return Promise.reject(signal.reason);
      const free = isUrgent || lent.size < size ? idle.pop() : undefined;
      if (free) {
        lent.add(free.sql);
        return Promise.resolve(free.sql);
      }
      const { promise, resolve, reject } = Promise.withResolvers<Sql>();
      const waiter: Waiter = { take: resolve, fail: reject };
      const line = isUrgent ? urgent : waiting;
      line.add(waiter);
      const leave = () => {
        if (line.delete(waiter)) reject(signal.reason);
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
      const inUse = Math.min(size, lent.size);
      const expected = Math.min(opening, waiting.size, size - inUse);
      return { size, inUse: inUse + expected, waiting: waiting.size - expected };
    },

    /** Closes each connection as soon as nothing needs it; resolves when that is done. */
    async drain(): Promise<void> {
      isDraining = true;
      clearTimeout(closing);
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
