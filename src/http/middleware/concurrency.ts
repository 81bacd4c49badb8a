import { DomainError } from "../../errors.ts";

/**
 * Counts the requests in flight, of which there may be `max`.
 *
 * A request counts until its handlers are done, even if its client has gone, and until its answer has been sent.
 * A request that has been answered with a 503 because its time was over counts until its work ends.
 *
 * @param max unlimited by default.
 */
export function createGate(max = Number.POSITIVE_INFINITY) {
  let count = 0;
  return {
    /**
     * @param unsent how many answers wait for their clients.
     * @throws {DomainError} `overloaded`
     */
    enter(unsent: number): void {
      if (count + unsent >= max) {
        throw new DomainError(
          "overloaded",
          `${max} requests are in flight, which is the limit; try again later.`,
        );
      }
      count += 1;
    },

    leave(): void {
      count -= 1;
    },
  };
}
