import { DomainError } from "../errors.ts";
import { createFixedWindows, type Rate } from "../http/fixed-windows.ts";
import type { Elapsed } from "../time.ts";

/** More addresses than a service sees in an hour, in less than 2 MiB. */
const MAX_ADDRESSES = 10_000;

/** Counts the failures of every address. */
export type FailureThrottle = ReturnType<typeof createFailureThrottle>;

/**
 * Allows an address a number of failures in a window of time, which begins with the first failure. It
 * keeps at most `maxAddresses` addresses.
 *
 * @param now measures the windows: the runtime's own clock by default.
 */
export function createFailureThrottle(
  { requests, windowMs }: Rate,
  now?: Elapsed,
  maxAddresses = MAX_ADDRESSES,
) {
  const windows = createFixedWindows({ windowMs, now, capacity: maxAddresses });
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
