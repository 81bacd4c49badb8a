import type { Context, MiddlewareHandler } from "hono";
import { DomainError } from "../../errors.ts";
import type { Elapsed } from "../../time.ts";
import type { AppEnv } from "../env.ts";
import { createFixedWindows, type Rate } from "../fixed-windows.ts";

/** The name of the only policy, as a string of structured fields (RFC 9651). */
const POLICY = '"default"';

type RateLimitOptions = {
  rate: Rate;
  /** Measures the windows: the runtime's own clock by default. */
  now?: Elapsed | undefined;
  /** Names the client for which a request counts. */
  keyOf: (c: Context<AppEnv>) => Promise<string>;
};

/**
 * Allows each client a number of requests in a window of time, and reports the rest in every answer
 * (draft-ietf-httpapi-ratelimit-headers-11).
 *
 * @throws {DomainError} `rate_limited`
 */
export function limitRate({ rate, now, keyOf }: RateLimitOptions): MiddlewareHandler<AppEnv> {
  const { requests, windowMs } = rate;
  const windowSeconds = windowMs / 1000;
  const policy = `${POLICY};q=${requests};w=${windowSeconds}`;
  const windows = createFixedWindows({ windowMs, now });

  return async function limitRate(c, next) {
    const window = windows.count(await keyOf(c));
    const { hits } = window;
    const secondsLeft = () => Math.ceil(windows.left(window) / 1000);
    const state = () => `${POLICY};r=${Math.max(0, requests - hits)};t=${secondsLeft()}`;
    if (hits > requests) {
      c.header("RateLimit-Policy", policy);
      c.header("RateLimit", state());
      const per = `${requests} requests in ${windowSeconds} s`;
      throw new DomainError("rate_limited", `A client may send ${per}; these are used up.`, {
        retryAfterSeconds: secondsLeft(),
      });
    }
    await next();
    const { headers } = c.res;
    headers.set("RateLimit-Policy", policy);
    headers.set("RateLimit", state());
  };
}
