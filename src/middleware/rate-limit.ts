import type { Context, MiddlewareHandler } from "hono";
import { rateLimiter } from "hono-rate-limiter";
import type { AppEnv } from "../app-env.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../errors.ts";
import type { Rate } from "../variables.ts";
import { type Gatekeeper, rightKey } from "./api-key.ts";
import { clientAddress, limitedNetwork } from "./client-address.ts";
import { createFixedWindows } from "./fixed-windows.ts";

/** What the fields call the policy: there is one. */
const POLICY = '"default"';

export type RateLimitOptions = {
  rate: Rate;
  gatekeeper: Gatekeeper;
  clock: Clock;
};

/**
 * Lets a client have so many requests in a window, and tells it in every answer what is left
 * (draft-ietf-httpapi-ratelimit-headers-11).
 *
 * The library counts and refuses. It is given a memory that is bounded, which its own is not, and leaves
 * the fields to this, as those it knows are of older drafts.
 *
 * @throws {DomainError} `rate_limited`
 */
export function limitRate({
  rate,
  gatekeeper,
  clock,
}: RateLimitOptions): MiddlewareHandler<AppEnv> {
  const { requests, windowMs } = rate;
  const windowSeconds = windowMs / 1000;
  const policy = `${POLICY};q=${requests};w=${windowSeconds}`;

  const limiter = rateLimiter<AppEnv>({
    windowMs,
    limit: requests,
    standardHeaders: false,
    keyGenerator: (c) => countedFor(c, gatekeeper),
    store: createFixedWindows({ windowMs, clock }),
    handler: refuse,
  });

  /** Seconds until the client's window ends. */
  function secondsLeft(c: Context<AppEnv>): number {
    const { resetTime } = c.var.rateLimit;
    const milliseconds = resetTime ? resetTime.getTime() - clock() : windowMs;
    return Math.max(0, Math.ceil(milliseconds / 1000));
  }

  function state(c: Context<AppEnv>): string {
    return `${POLICY};r=${c.var.rateLimit.remaining};t=${secondsLeft(c)}`;
  }

  function refuse(c: Context<AppEnv>): never {
    c.header("RateLimit-Policy", policy);
    c.header("RateLimit", state(c));
    const per = `${requests} requests in ${windowSeconds} s`;
    throw new DomainError("rate_limited", `A client may send ${per}; these are used up.`, {
      retryAfterSeconds: secondsLeft(c),
    });
  }

  return function limitRate(c, next) {
    return limiter(c, async () => {
      await next();
      const { headers } = c.res;
      headers.set("RateLimit-Policy", policy);
      headers.set("RateLimit", state(c));
    });
  };
}

/**
 * Whom a request is counted for: its key where it is the right one, else its client's address. So nobody
 * uses up what a key may have without having it, and wrong keys count for who tries them.
 */
async function countedFor(c: Context<AppEnv>, gatekeeper: Gatekeeper): Promise<string> {
  const key = await rightKey(c, gatekeeper);
  if (key) return `key ${key.name}`;
  return `address ${limitedNetwork(clientAddress(c))}`;
}
