import type { MiddlewareHandler } from "hono";
import { DomainError } from "../../errors.ts";

/**
 * Lets at most `max` requests be in flight at once.
 *
 * A request counts until its handlers are done, even if its client has gone. A request that
 * `requestTimeout` has answered with a 503 counts until its work ends.
 *
 * @param max unlimited by default.
 * @throws {DomainError} `overloaded`
 */
export function limitConcurrency(max = Number.POSITIVE_INFINITY): MiddlewareHandler {
  let count = 0;
  return async function limitConcurrency(_c, next) {
    if (count >= max) {
      throw new DomainError(
        "overloaded",
        `${max} requests are in flight, which is the limit; try again later.`,
      );
    }
    count += 1;
    try {
      await next();
    } finally {
      count -= 1;
    }
  };
}
