import { describeError, type Logger } from "../telemetry/logger.ts";
import { withDeadline } from "../time.ts";
import type { Fetch, Server } from "./runtime.ts";

/** How long each step behind the last answer may take, such as closing a store. */
const STEP_LIMIT_MS = 5000;

/** A step behind the last answer, and what the log calls it. */
type LastStep = { name: string; run: () => Promise<void> };

type DrainOptions = {
  server: Pick<Server, "stop" | "inFlight" | "closeAllConnections">;
  /** How long everything goes on as before, so that whoever asks `/ready` lets go of this instance. */
  delaySeconds: number;
  /** How long the requests under way have to end then. */
  timeoutSeconds: number;
  logger: Logger;
};

/**
 * Ends a server's work: goes on for the delay, then takes no new connection, and resolves when every
 * request under way is answered, or cut off because it took longer than the timeout.
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
 * Answers as `fetch` does, and from the moment that `isLast` says so tells the client that this was its
 * connection's last answer (RFC 9112, section 9.6): its next request goes to another instance then, and
 * never onto a connection that is about to be closed.
 */
export function closeConnectionWhen(isLast: () => boolean, fetch: Fetch): Fetch {
  return async (request, connection) => {
    const response = await fetch(request, connection);
    // Asked behind the answer, for a request may have begun before the drain did.
    if (isLast()) response.headers.set("Connection", "close");
    return response;
  };
}

/** Runs a step within a limit. One that fails or takes longer is a line of the log, and the end goes on. */
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

/** Counts the requests under way, for whoever has to wait until there are none. */
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

    /** How many are under way. */
    count: (): number => count,

    /** Resolves when none is under way. */
    async none(): Promise<void> {
      if (count === 0) return;
      await new Promise<void>((resolve) => {
        onNone = resolve;
      });
    },
  };
}
