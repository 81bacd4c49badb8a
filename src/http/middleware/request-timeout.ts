import type { MiddlewareHandler } from "hono";
import { DomainError } from "../../errors.ts";
import { withDeadline } from "../../time.ts";
import type { AppEnv } from "../env.ts";

/**
 * Limits the time for an answer, including the read of the body, which stops at the limit. Other work
 * continues.
 *
 * @throws {DomainError} `request_timeout` if the answer takes longer than `seconds`.
 */
export function requestTimeout(seconds: number): MiddlewareHandler<AppEnv> {
  return function requestTimeout(c, next) {
    const work = next();
    return withDeadline(work, seconds * 1000, () => {
      const timeout = new DomainError(
        "request_timeout",
        `No answer was ready within ${seconds} s.`,
      );
      if (!c.var.abandonBody) throw timeout;
      c.var.abandonBody(timeout);
      return work;
    });
  };
}
