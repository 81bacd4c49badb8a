import type { MiddlewareHandler } from "hono";
import { DomainError } from "../../errors.ts";
import { withDeadline } from "../../time.ts";
import type { AppEnv } from "../env.ts";

/** How long a store may take to undo what it was doing, or to learn that it was done after all. */
const OUTCOME_MS = 2000;

const CHANGES_NOTHING = new Set(["GET", "HEAD"]);

/**
 * Limits the time for an answer. At the limit the read of the body stops, and so does what a store does
 * for the request: by `c.var.deadline`, it knows that nothing may be written after it. The answer waits
 * a moment for the store, so that it says what really happened.
 *
 * @throws {DomainError} `request_timeout` if the answer takes longer than `seconds`.
 */
export function requestTimeout(seconds: number): MiddlewareHandler<AppEnv> {
  return function requestTimeout(c, next) {
    const milliseconds = seconds * 1000;
    c.set("deadline", performance.now() + milliseconds);
    const work = next();
    return withDeadline(work, milliseconds, () => {
      const timeout = new DomainError(
        "request_timeout",
        `No answer was ready within ${seconds} s.`,
      );
      c.var.abandonBody?.(timeout);
      if (CHANGES_NOTHING.has(c.req.method)) throw timeout;
      return withDeadline(work, OUTCOME_MS, () => {
        throw timeout;
      });
    });
  };
}
