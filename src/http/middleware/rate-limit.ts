import { DomainError } from "../../errors.ts";
import type { Elapsed } from "../../time.ts";
import { createFixedWindows, type OnHit, type Rate } from "../fixed-windows.ts";

/** The name of the only policy, as a string of structured fields (RFC 9651). */
const POLICY = '"default"';

export const RATE_LIMIT_HEADERS = { policy: "RateLimit-Policy", left: "RateLimit" };

/** Where a client stands within its limit, as header fields say it. */
export type Standing = { policy: string; left: () => string };

type RateLimitOptions = {
  rate: Rate;
  /** Measures the windows: the runtime's own clock by default. */
  now?: Elapsed | undefined;
  /** Shares the counts with other instances: none by default. */
  onHit?: OnHit | undefined;
};

/**
 * Allows each client a number of requests in a window of time, and reports the rest in every answer
 * (draft-ietf-httpapi-ratelimit-headers-11).
 */
export function createRateLimit({ rate, now, onHit }: RateLimitOptions) {
  const { requests, windowMs } = rate;
  const windowSeconds = windowMs / 1000;
  const policy = `${POLICY};q=${requests};w=${windowSeconds}`;
  const windows = createFixedWindows({ windowMs, now, onHit });

  return {
    /** Counts a request of a client. `refusal` is a `rate_limited` where its limit is used up. */
    count(client: string): { standing: Standing; refusal: DomainError | undefined } {
      const window = windows.count(client);
      const { hits } = window;
      const secondsLeft = () => Math.ceil(windows.left(window) / 1000);
      const left = () => `${POLICY};r=${Math.max(0, requests - hits)};t=${secondsLeft()}`;
      const refusal = hits > requests ? rateLimited(Math.max(1, secondsLeft())) : undefined;
      return { standing: { policy, left }, refusal };
    },
  };

  function rateLimited(retryAfterSeconds: number): DomainError {
    const per = `${requests} requests in ${windowSeconds} s`;
    return new DomainError("rate_limited", `A client may send ${per}; these are used up.`, {
      retryAfterSeconds,
    });
  }
}
