import { DomainError } from "../errors.ts";
import { createFixedWindows, type Rate } from "../http/fixed-windows.ts";
import type { Elapsed } from "../time.ts";

/** More addresses than a service sees in an hour, in less than 2 MiB. */
const MAX_ADDRESSES = 10_000;

/** Counts the failures of every address. */
export type FailureThrottle = ReturnType<typeof createFailureThrottle>;

/**
 * Allows an address a number of failures in a window of time, which begins with the first failure. It
 * keeps at most `maxAddresses` addresses, and the same number of pairs of an address and a key that was
 * accepted from it.
 *
 * @param now measures the windows: the runtime's own clock by default.
 */
export function createFailureThrottle(
  { requests, windowMs }: Rate,
  now?: Elapsed,
  maxAddresses = MAX_ADDRESSES,
) {
  const windows = createFixedWindows({ windowMs, now, capacity: maxAddresses });
  const known = createRecentSet(maxAddresses);
  return {
    /**
     * A `too_many_failures` if an address has reached the limit, unless the key of this name was accepted
     * from there before.
     */
    refusal(address: string, keyName?: string): DomainError | undefined {
      const window = windows.get(address);
      if (!window || window.hits < requests) return undefined;
      if (keyName !== undefined && known.has(pairOf(address, keyName))) return undefined;
      return tooManyFailures(windows.left(window));
    },

    count: (address: string) => void windows.count(address),

    /** From now on, other clients with the same address cannot block this key there. */
    remember: (address: string, keyName: string) => known.add(pairOf(address, keyName)),
  };
}

/** Unique, because neither part contains a space. */
function pairOf(address: string, keyName: string): string {
  return `${address} ${keyName}`;
}

/** A set of at most `capacity` values; it forgets the value that was added longest ago. */
function createRecentSet(capacity: number) {
  const values = new Set<string>();
  return {
    has: (value: string) => values.has(value),
    add(value: string): void {
      values.delete(value);
      values.add(value);
      if (values.size <= capacity) return;
      const [oldest] = values;
      if (oldest !== undefined) values.delete(oldest);
    },
  };
}

function tooManyFailures(remainingMs: number): DomainError {
  const retryAfterSeconds = Math.max(1, Math.ceil(remainingMs / 1000));
  return new DomainError(
    "too_many_failures",
    `Too many wrong keys came from this address; try again in ${retryAfterSeconds} s.`,
    { retryAfterSeconds },
  );
}
