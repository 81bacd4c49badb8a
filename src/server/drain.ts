import { describeError, type Logger } from "../telemetry/logger.ts";
import { withDeadline } from "../time.ts";
import type { Server } from "./runtime.ts";

/** How long each step after the last answer may take, such as closing a store. */
const STEP_LIMIT_MS = 5000;

/** A step after the last answer, and its name in the log. */
type LastStep = { name: string; run: () => Promise<void> };

type DrainOptions = {
  server: Pick<Server, "stop" | "inFlight" | "closeAllConnections">;
  /**
   * How long everything continues as before, so that clients that check `/ready` leave this instance.
   */
  delaySeconds: number;
  /** How long the requests in flight then have to end. */
  timeoutSeconds: number;
  logger: Logger;
};

/**
 * Ends a server's work: continues for the delay, then accepts no new connection. Resolves when every
 * request in flight is answered, or cut off because it took longer than the timeout.
 */
export async function drain({
  server,
  delaySeconds,
  timeoutSeconds,
  logger,
}: DrainOptions): Promise<void> {
  if (delaySeconds > 0) await new Promise((resolve) => setTimeout(resolve, delaySeconds * 1000));
  const stopped = server.stop().then(() => true);
  if (await withDeadline(stopped, timeoutSeconds * 1000, () => false)) return;
  logger.warning("requests cut off", {
    requests: server.inFlight(),
    drain_timeout_seconds: timeoutSeconds,
  });
  server.closeAllConnections();
}

/**
 * Runs a step within a limit. If it fails or takes longer, that is logged, and the next step follows.
 */
export async function runLastStep(
  { name, run }: LastStep,
  logger: Logger,
  limitMs = STEP_LIMIT_MS,
): Promise<void> {
  try {
    await withDeadline(run(), limitMs, () => {
      throw new Error(`not done within ${limitMs} ms`);
    });
  } catch (error) {
    logger.warning(`could not ${name}`, describeError(error));
  }
}

/** Counts the requests in flight, so that callers can wait until there are none. */
export function createInFlight() {
  let count = 0;
  let onNone = () => {};
  return {
    begin(): void {
      count += 1;
    },

    end(): void {
      count -= 1;
      if (count === 0) onNone();
    },

    /** How many are in flight. */
    count: (): number => count,

    /** Resolves when none is in flight. */
    async none(): Promise<void> {
      if (count === 0) return;
      await new Promise<void>((resolve) => {
        onNone = resolve;
      });
    },
  };
}
