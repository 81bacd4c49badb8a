import { setTimeout as pause } from "node:timers/promises";
import type { PostgresDatabase } from "../database/postgres.ts";
import type { Count, SharedCounts } from "../http/shared-counts.ts";
import { describeError, type Logger } from "../telemetry/logger.ts";

/** Twice a second: what one instance adds, the others have read a second later. */
const INTERVAL_MS = 500;

/** Where the database takes longer, this instance counts for itself meanwhile. */
const EXCHANGE_TIMEOUT_MS = 1000;

const CLEAN_INTERVAL_MS = 60_000;
const CLEAN_TIMEOUT_MS = 5000;

/**
 * A window that is over begins again with what is added. Rows are locked in one order, so that instances never
 * wait for each other in a circle.
 */
const ADD = `
  INSERT INTO limit_counts AS kept (limit_name, client, hits, ends_at)
  SELECT limit_name, client, sum(hits), now() + max(left_ms) * interval '1 millisecond'
  FROM json_to_recordset($1::text::json)
    AS sent(limit_name text, client text, hits bigint, left_ms float8)
  GROUP BY limit_name, client
  ORDER BY limit_name COLLATE "C", client COLLATE "C"
  ON CONFLICT (limit_name, client) DO UPDATE SET
    hits = excluded.hits + CASE WHEN kept.ends_at > now() THEN kept.hits ELSE 0 END,
    ends_at = CASE WHEN kept.ends_at > now() THEN kept.ends_at ELSE excluded.ends_at END
  RETURNING limit_name, client, hits::float8,
    extract(epoch FROM ends_at - now())::float8 * 1000 AS left_ms`;

/** It never waits for a row that an instance adds to, and removes more in a minute than an instance may add. */
const CLEAN = `
  DELETE FROM limit_counts WHERE ends_at <= now() AND ctid = ANY(ARRAY(
    SELECT ctid FROM limit_counts WHERE ends_at <= now() FOR UPDATE SKIP LOCKED LIMIT 250000))`;

type SharedLimitsOptions = {
  database: Pick<PostgresDatabase, "change" | "changeUrgently">;
  counts: Pick<SharedCounts, "exchange">;
  logger: Logger;
  /** 500 ms by default. */
  intervalMs?: number;
  /** A minute by default. */
  cleanIntervalMs?: number;
};

/**
 * Exchanges the counts of limits with the other instances on the same database. While that fails, this
 * instance counts for itself; the log says when that begins and ends.
 *
 * @returns a function that ends it, and resolves when nothing of it is in progress any more.
 */
export function startSharedLimits(options: SharedLimitsOptions): () => Promise<void> {
  const {
    database,
    counts,
    logger,
    intervalMs = INTERVAL_MS,
    cleanIntervalMs = CLEAN_INTERVAL_MS,
  } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const after = (milliseconds: number) => performance.now() + milliseconds;
  let cleansAt = after(cleanIntervalMs);
  let isAlone = false;

  async function add(sent: readonly Count[]): Promise<Count[]> {
    const rows = sent.map(({ limit, client, hits, leftMs }) => ({
      ...{ limit_name: limit, client, hits, left_ms: leftMs },
    }));
    // Ahead of requests: when they fill the pool, the limits are needed most.
    const totals = await database.changeUrgently(
      (query) => query(ADD, [JSON.stringify(rows)]),
      after(EXCHANGE_TIMEOUT_MS),
    );
    if (isAlone) logger.info("limits count for all instances again");
    isAlone = false;
    return totals.map(({ limit_name, client, hits, left_ms }) => ({
      ...{ limit: String(limit_name), client: String(client) },
      ...{ hits: Number(hits), leftMs: Number(left_ms) },
    }));
  }

  async function clean(): Promise<void> {
    if (performance.now() < cleansAt) return;
    cleansAt = after(cleanIntervalMs);
    try {
      await database.change((query) => query(CLEAN), after(CLEAN_TIMEOUT_MS));
    } catch (error) {
      if (!signal.aborted) logger.warning("old counts of limits stay", describeError(error));
    }
  }

  async function work(): Promise<void> {
    await counts.exchange(add);
    await clean();
  }

  function failed(error: unknown): void {
    if (isAlone || signal.aborted) return;
    isAlone = true;
    logger.warning(
      "limits count for this instance alone until the database answers",
      describeError(error),
    );
  }

  /** It must not keep a process alive that has nothing else to do. */
  const wait = (milliseconds: number) =>
    pause(milliseconds, undefined, { signal, ref: false }).catch(() => {});

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const nextAt = after(intervalMs);
      await work().catch(failed);
      await wait(Math.max(0, nextAt - performance.now()));
    }
  }

  const ended = run();
  return () => {
    stopping.abort();
    return ended;
  };
}
