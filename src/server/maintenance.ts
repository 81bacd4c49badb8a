import { setTimeout as pause } from "node:timers/promises";
import type { DatabaseLifecycle } from "../database/lifecycle.ts";
import type { Store } from "../resources/store.ts";
import { describeError, type Logger } from "../telemetry/logger.ts";

const INTERVAL_MS = 60 * 60 * 1000;

/** Between two transactions that change words, so that requests come in between. */
const PAUSE_MS = 20;

type MaintenanceOptions = {
  database: Pick<DatabaseLifecycle, "optimize">;
  /** The stores by the names of their resources. */
  stores: ReadonlyMap<string, Pick<Store, "removeExpired" | "renewWords">>;
  logger: Logger;
  /** An hour by default. */
  intervalMs?: number;
};

/**
 * Does what a database needs from time to time, whether there are requests or not: statistics, the end of
 * what is kept for a time, and words by the rules of this release. It begins at once.
 *
 * @returns a function that ends it, and resolves when nothing of it is in progress any more.
 */
export function startMaintenance(options: MaintenanceOptions): () => Promise<void> {
  const { database, stores, logger, intervalMs = INTERVAL_MS } = options;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function maintain(): Promise<void> {
    await database.optimize?.();
    for (const [resource, store] of stores) {
      await store.removeExpired();
      await renewWords(resource, store);
    }
  }

  async function renewWords(resource: string, store: Pick<Store, "renewWords">): Promise<void> {
    for (let transactions = 1; await store.renewWords(); transactions += 1) {
      if (transactions === 1) logger.info("writing the words of entries again", { resource });
      await pause(PAUSE_MS, undefined, { signal });
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      try {
        await maintain();
      } catch (error) {
        if (signal.aborted) return;
        logger.warning("maintenance failed; it will be tried again", describeError(error));
      }
      // It must not keep a process alive that has nothing else to do.
      await pause(intervalMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
    }
  }

  const ended = run();
  return () => {
    stopping.abort();
    return ended;
  };
}
