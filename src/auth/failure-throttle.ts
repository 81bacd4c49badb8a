import { DomainError } from "../errors.ts";
import { createFixedWindows, type OnHit, type Rate } from "../http/fixed-windows.ts";
import type { Elapsed } from "../time.ts";

/** More addresses than a service sees in an hour, in less than 2 MiB. */
const MAX_ADDRESSES = 10_000;

/** Counts the failures of every address. */
export type FailureThrottle = ReturnType<typeof createFailureThrottle>;

type ThrottleOptions = {
  /** Measures the windows: the runtime's own clock by default. */
  now?: Elapsed | undefined;
  /** The most addresses that are kept: 10,000 by default. */
  maxAddresses?: number;
  /** Shares the counts with other instances: none by default. */
  onHit?: OnHit | undefined;
};

/** Allows an address a number of failures in a window of time, which begins with the first failure. */
export function createFailureThrottle(
  { requests, windowMs }: Rate,
  { now, maxAddresses: capacity = MAX_ADDRESSES, onHit }: ThrottleOptions = {},
) {
  const windows = createFixedWindows({ windowMs, now, capacity, onHit });
  return {
    /** Counts a failure of an address; a `too_many_failures` if it is one too many. */
    count(address: string): DomainError | undefined {
      const window = windows.count(address);
      return window.hits > requests ? tooManyFailures(windows.left(window)) : undefined;
    },
  };
}

function tooManyFailures(remainingMs: number): DomainError {
  const retryAfterSeconds = Math.max(1, Math.ceil(remainingMs / 1000));
  return new DomainError(
    "too_many_failures",
    `Too many wrong keys came from this address; send a right one, or try again in ${retryAfterSeconds} s.`,
    { retryAfterSeconds },
  );
}
