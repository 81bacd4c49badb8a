import { closeSync, openSync } from "node:fs";
import type { Config } from "../config/config.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Server } from "./runtime.ts";
import { maxFds } from "./telemetry/process-usage.ts";

/** A client that connects meanwhile waits about as long. */
const INTERVAL_MS = 1000;

/** What the process itself needs: its database, its log, files of secrets, and connections that are idle. */
const RESERVE = 64;

type WatchOptions = {
  config: Pick<Config, "maxConcurrentRequests" | "databasePoolSize">;
  servers: readonly Pick<Server, "closeIdleConnections">[];
  logger: Logger;
  /** Whether nothing more can be opened. A test says so itself: what it ran out of would fail its neighbours. */
  isOut?: () => boolean;
};

/**
 * Makes room when no file descriptor is left, as nginx does: it closes connections that are idle. Without
 * that, nobody could connect, and Bun would try to accept connections without a pause, with a whole core. At
 * the start, it warns of a limit that is too low for the other limits.
 *
 * @returns a function that ends it.
 */
export function watchFileDescriptors({
  config,
  servers,
  logger,
  isOut = isOutOfFiles,
}: WatchOptions): () => void {
  // Where nothing can be done, nothing is looked at: Deno asks people whether a program may read such files.
  if (!servers[0]?.closeIdleConnections) return () => {};
  const limit = maxFds();
  warnOfLowLimit(limit, config, logger);

  let wasOut = false;
  const timer = setInterval(() => {
    const isOutNow = isOut();
    if (isOutNow) for (const { closeIdleConnections } of servers) closeIdleConnections?.();
    if (isOutNow && !wasOut) {
      logger.warning("no file descriptor is left; idle connections are closed", {
        max_fds: limit,
      });
    }
    wasOut = isOutNow;
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** How many files and connections the other limits allow. */
export function neededFds({ maxConcurrentRequests, databasePoolSize }: WatchOptions["config"]) {
  return maxConcurrentRequests + databasePoolSize + RESERVE;
}

function warnOfLowLimit(
  limit: number | undefined,
  { maxConcurrentRequests, databasePoolSize }: WatchOptions["config"],
  logger: Logger,
): void {
  const needed = neededFds({ maxConcurrentRequests, databasePoolSize });
  if (limit === undefined || limit >= needed) return;
  logger.warning(
    "the limit of open files is lower than MAX_CONCURRENT_REQUESTS and DATABASE_POOL_SIZE need; " +
      "raise it (ulimit -n, LimitNOFILE), or lower them",
    { max_fds: limit, needed },
  );
}

/** Of the process, and of the system. */
const OUT_OF_FILES = ["EMFILE", "ENFILE"];

/** Whether the process or the system can open nothing more. */
function isOutOfFiles(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return false;
  } catch (error) {
    return OUT_OF_FILES.includes((error as { code?: string }).code ?? "");
  }
}
