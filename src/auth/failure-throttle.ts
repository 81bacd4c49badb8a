import { DomainError } from "../errors.ts";
import { createFixedWindows, type Rate } from "../http/fixed-windows.ts";
import type { Clock } from "../time.ts";

/** More addresses than a service meets in an hour, in less than 2 MiB; and as many keys let in from one. */
const MAX_ADDRESSES = 10_000;

/** Counts the failures of every address. */
export type FailureThrottle = {
  /**
   * A `too_many_failures` where an address had all the failures that it may have, unless the key of this
   * name was let in from there before.
   */
  refusal: (address: string, keyName?: string) => DomainError | undefined;
  count: (address: string) => void;
  /** Others behind the same address must not shut this key out from now on. */
  remember: (address: string, keyName: string) => void;
};

/**
 * Allows an address so many failures in a window of time, which begins with the first of them. It keeps
 * no more than `maxAddresses`, and as many pairs of an address and a key that was let in from it.
 */
export function createFailureThrottle(
  { requests, windowMs }: Rate,
  clock: Clock,
  maxAddresses = MAX_ADDRESSES,
): FailureThrottle {
  const windows = createFixedWindows({ windowMs, clock, capacity: maxAddresses });
  const known = createRecentSet(maxAddresses);
  return {
    refusal(address, keyName) {
      const window = windows.get(address);
      if (!window || window.hits < requests) return undefined;
      if (keyName !== undefined && known.has(pairOf(address, keyName))) return undefined;
      return tooManyFailures(window.endsAt - clock());
    },

    count: (address) => void windows.count(address),
    remember: (address, keyName) => known.add(pairOf(address, keyName)),
  };
}

/** Neither has a space in it. */
function pairOf(address: string, keyName: string): string {
  return `${address} ${keyName}`;
}

/** A set that forgets what was added longest ago when it has more than `capacity` values. */
function createRecentSet(capacity: number) {
  const values = new Set<string>();
  return {
    has: (value: string) => values.has(value),
    add(value: string): void {
      values.delete(value);
      values.add(value);
      const [oldest] = values;
      if (values.size > capacity && oldest !== undefined) values.delete(oldest);
    },
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
