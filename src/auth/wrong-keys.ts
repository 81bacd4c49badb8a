import { createFixedWindows } from "../http/fixed-windows.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Elapsed } from "../time.ts";

const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

/** 1, 10, 100 and so on: a million wrong keys in a minute are seven lines of the log. */
const POWER_OF_TEN = /^10*$/;

type WrongKeysOptions = {
  logger: Logger;
  metrics?: Metrics | undefined;
  /** Measures the minutes: the runtime's own clock by default. */
  now?: Elapsed | undefined;
};

/**
 * Counts every request with a wrong key, also on routes that answer it. Of each address, the log shows the
 * first one in a minute, the tenth, the hundredth and so on.
 */
export function reportWrongKeys({ logger, metrics, now }: WrongKeysOptions) {
  const windows = createFixedWindows({ windowMs: WINDOW_MS, now, capacity: MAX_ADDRESSES });
  return function reportWrongKey(network = "unknown"): void {
    metrics?.wrongKeySent();
    const { hits } = windows.count(network);
    if (!POWER_OF_TEN.test(String(hits))) return;
    logger.warning("wrong key", { client_network: network, wrong_keys: hits });
  };
}
