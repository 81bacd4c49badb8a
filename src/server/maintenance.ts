import { setTimeout as pause } from "node:timers/promises";
import type { DatabaseLifecycle } from "../database/lifecycle.ts";
import type { Resource } from "../resources/resource.ts";
import type { Store } from "../resources/store.ts";
import { describeError, type Logger } from "../telemetry/logger.ts";

/** So that the first answers of a service do not wait for it. */
const FIRST_AFTER_MS = 5000;
const INTERVAL_MS = 60 * 60 * 1000;

/** Between two transactions that change words, so that requests come in between. */
const PAUSE_MS = 20;

type MaintenanceOptions = {
  database: Pick<DatabaseLifecycle, "optimize">;
  resources: readonly Resource[];
  storeOf: (resource: Resource) => Pick<Store, "removeExpired" | "renewWords">;
  logger: Logger;
  /** 5 s by default. */
  firstAfterMs?: number;
  /** An hour by default. */
  intervalMs?: number;
};

/**
 * Does what a database needs from time to time, whether there are requests or not: statistics, the end of
 * what is kept for a time, and words by the rules of this release. It begins 5 s later.
 *
 * @returns a function that ends it, and resolves when nothing of it is in progress any more.
 */
export function startMaintenance(options: MaintenanceOptions): () => Promise<void> {
  const {
    database,
    resources,
    storeOf,
    logger,
    firstAfterMs = FIRST_AFTER_MS,
    intervalMs = INTERVAL_MS,
  } = options;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function maintain(): Promise<void> {
    await database.optimize?.();
    for (const resource of resources) {
      const store = storeOf(resource);
      await store.removeExpired();
      await renewWords(resource.name, store);
    }
  }

  async function renewWords(resource: string, store: Pick<Store, "renewWords">): Promise<void> {
    for (let transactions = 1; await store.renewWords(); transactions += 1) {
      if (transactions === 1) logger.info("writing the words of entries again", { resource });
      await pause(PAUSE_MS, undefined, { signal });
    }
  }

  /** It must not keep a process alive that has nothing else to do. */
  const wait = (milliseconds: number) =>
    pause(milliseconds, undefined, { signal, ref: false }).catch(() => {});

  async function run(): Promise<void> {
    await wait(firstAfterMs);
    while (!signal.aborted) {
      try {
        await maintain();
      } catch (error) {
        if (signal.aborted) return;
        logger.warning("maintenance failed; it will be tried again", describeError(error));
      }
      await wait(intervalMs);
    }
  }

  const ended = run();
  return () => {
    stopping.abort();
    return ended;
  };
}
