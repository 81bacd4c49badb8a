import type { Clock } from "../clock.ts";
import { DomainError } from "../errors.ts";
import type { Rate } from "../variables.ts";

/** More addresses than a service meets in an hour, in less than 2 MiB. */
const MAX_ADDRESSES = 10_000;

/** Counts the failures of every address. */
export type FailureThrottle = {
  /** @throws {DomainError} `too_many_failures` where an address had all that it may have. */
  expectFew: (address: string) => void;
  count: (address: string) => void;
};

type Window = { failures: number; endsAt: number };

/**
 * Allows an address so many failures in a window of time, which begins with the first of them. It keeps
 * no more than `maxAddresses`: beyond them, the one whose window began first is forgotten.
 */
export function createFailureThrottle(
  { requests, windowMs }: Rate,
  clock: Clock,
  maxAddresses = MAX_ADDRESSES,
): FailureThrottle {
  // A map keeps the order in which windows began, which is that in which they end.
  const windows = new Map<string, Window>();

  function forgetEnded(now: number): void {
    for (const [address, { endsAt }] of windows) {
      if (endsAt > now) return;
      windows.delete(address);
    }
  }

  return {
    expectFew(address) {
      const now = clock();
      forgetEnded(now);
      const window = windows.get(address);
      if (window && window.failures >= requests) throw tooManyFailures(window.endsAt - now);
    },

    count(address) {
      const window = windows.get(address);
      if (window) {
        window.failures += 1;
        return;
      }
      const [oldest] = windows.keys();
      if (oldest !== undefined && windows.size >= maxAddresses) windows.delete(oldest);
      windows.set(address, { failures: 1, endsAt: clock() + windowMs });
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
