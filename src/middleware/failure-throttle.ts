import type { Clock } from "../clock.ts";
import { DomainError } from "../errors.ts";
import type { Rate } from "../variables.ts";
import { createFixedWindows } from "./fixed-windows.ts";

/** More addresses than a service meets in an hour, in less than 2 MiB. */
const MAX_ADDRESSES = 10_000;

/** Counts the failures of every address. */
export type FailureThrottle = {
  /** A `too_many_failures` where an address had all the failures that it may have. */
  refusal: (address: string) => DomainError | undefined;
  count: (address: string) => void;
};

/**
 * Allows an address so many failures in a window of time, which begins with the first of them. It keeps
 * no more than `maxAddresses`.
 */
export function createFailureThrottle(
  { requests, windowMs }: Rate,
  clock: Clock,
  maxAddresses = MAX_ADDRESSES,
): FailureThrottle {
  const windows = createFixedWindows({ windowMs, clock, capacity: maxAddresses });
  return {
    refusal(address) {
      const { totalHits, resetTime } = windows.get(address) ?? {};
      if (!resetTime || totalHits === undefined || totalHits < requests) return undefined;
      return tooManyFailures(resetTime.getTime() - clock());
    },

    count: (address) => void windows.increment(address),
  };
}

function tooManyFailures(remainingMs: number): DomainError {
  const retryAfterSeconds = Math.ceil(remainingMs / 1000);
  return new DomainError(
    "too_many_failures",
    `Too many wrong keys came from this address; try again in ${retryAfterSeconds} s.`,
    { retryAfterSeconds },
  );
}
