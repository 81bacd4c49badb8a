import type { MiddlewareHandler } from "hono";
import { DomainError } from "../errors.ts";

/**
 * Counts the requests under way, and lets no more than `max` of them be so at once.
 *
 * A request counts until its handlers are done with it, whatever has become of its client: behind
 * `requestTimeout`, one that was answered for with a 503 counts for as long as it works on.
 *
 * @param max as many as come, unless told.
 */
export function createConcurrencyLimit(max = Number.POSITIVE_INFINITY) {
  let count = 0;

  /** @throws {DomainError} `overloaded` */
  const limitConcurrency: MiddlewareHandler = async (_c, next) => {
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

  return { limitConcurrency, inFlight: () => count };
}
