import type { ErrorCode } from "../errors.ts";

/**
 * Why requests are turned away whatever they ask for: by a limit, for want of a key, or for want of the
 * database. A client's mistakes in what it asks for are in the statuses alone.
 */
export const REFUSALS = [
  "api_key_required",
  "invalid_api_key",
  "insufficient_scope",
  "too_many_failures",
  "rate_limited",
  "overloaded",
  "uri_too_long",
  "headers_too_large",
  "body_too_large",
  "request_timeout",
  "store_unavailable",
] as const satisfies readonly ErrorCode[];
export type Refusal = (typeof REFUSALS)[number];

/** A request that was answered: by a route's template, or `other` where there is no route. */
export type AnsweredRequest = { method: string; route: string; status: number };

/** An operation on the entries of a resource, such as `get` of `books`. */
export type StoreOperation = { resource: string; operation: string };

/** What the service tells of itself while it works. Each call costs less than a microsecond. */
export interface Metrics {
  requestBegan(): void;
  /** @param seconds from when the request began until its response was returned. */
  requestEnded(request: AnsweredRequest, seconds: number): void;
  /** Takes the code of any error, and counts those that are among the {@link REFUSALS}. */
  requestRefused(code: ErrorCode): void;
  /** The keys were read again, or could not be. */
  keysReloaded(ok: boolean): void;
  storeOperationEnded(operation: StoreOperation, seconds: number): void;
}

/**
 * Upper bounds in seconds. Most answers take less than a millisecond; a request may take as long as
 * REQUEST_TIMEOUT_SECONDS, by default 30.
 */
export const DURATION_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;

/** How often something took how long. */
export type Durations = {
  /** By bound, each without those below it; one more for what took longer than the last. */
  counts: number[];
  count: number;
  /** In seconds. */
  sum: number;
};

export function noDurations(): Durations {
  return { counts: new Array(DURATION_BOUNDS.length + 1).fill(0), count: 0, sum: 0 };
}

/** Counts one more, of so many seconds. */
export function addDuration(durations: Durations, seconds: number): void {
  const bucket = bucketOf(seconds);
  durations.counts[bucket] = (durations.counts[bucket] ?? 0) + 1;
  durations.count += 1;
  durations.sum += seconds;
}

function bucketOf(seconds: number): number {
  const bucket = DURATION_BOUNDS.findIndex((bound) => seconds <= bound);
  return bucket < 0 ? DURATION_BOUNDS.length : bucket;
}
