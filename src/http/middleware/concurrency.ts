import type { MiddlewareHandler } from "hono";
import { DomainError } from "../../errors.ts";

/**
 * Lets no more than `max` requests be under way at once.
 *
 * A request counts until its handlers are done with it, whatever has become of its client: behind
 * `requestTimeout`, one that was answered for with a 503 counts for as long as it works on.
 *
 * @param max as many as come, unless told.
 * @throws {DomainError} `overloaded`
 */
export function limitConcurrency(max = Number.POSITIVE_INFINITY): MiddlewareHandler {
  let count = 0;
  return async function limitConcurrency(_c, next) {
    if (count >= max) {
      throw new DomainError("overloaded", `${max} requests are under way, which is the most.`);
    }
    count += 1;
    try {
      await next();
    } finally {
      count -= 1;
    }
  };
}
