import type { MiddlewareHandler } from "hono";
import { DomainError } from "../../errors.ts";
import { withDeadline } from "../../time.ts";
import type { AppEnv } from "../env.ts";

/**
 * The time covers the reading of the body, which is given up when it is over. Other work goes on.
 *
 * @throws {DomainError} `request_timeout` when the answer takes longer than `seconds`.
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
