import type { ErrorCode } from "../errors.ts";
import type { Clock } from "../time.ts";

/**
 * Why requests are refused whatever they ask for: a limit is reached, a key is missing, or the database
 * is unavailable. Mistakes in what a client asks for are counted by status only.
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

/** An operation on a stored resource, such as `create` on `books`. */
export type ResourceOperation = { resource: string; operation: string };

/** What the service reports while it works. Each call takes less than a microsecond. */
export interface Metrics {
  requestBegan(): void;
  /** @param seconds from when the request began until its response was returned. */
  requestEnded(request: AnsweredRequest, seconds: number): void;
  /** Accepts the code of any error, and counts those that are among the {@link REFUSALS}. */
  requestRefused(code: ErrorCode): void;
  /** A request carried a wrong key, whether that was refused or the route is public. */
  wrongKeySent(): void;
  /** The keys were read again, or could not be. */
  keysReloaded(ok: boolean): void;
  storeOperationEnded(operation: ResourceOperation, seconds: number): void;
}

/** What was reported since the start. It changes while it is read. */
export type Records = {
  /** When the service began, in milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly requests: () => Iterable<Timed<AnsweredRequest>>;
  readonly requestsInFlight: number;
  readonly refusals: Readonly<Record<Refusal, number>>;
  readonly wrongKeys: number;
  readonly storeOperations: () => Iterable<Timed<ResourceOperation>>;
  readonly keyReloads: { readonly success: number; readonly failure: number };
  /** When keys were last read, in milliseconds since the Unix epoch. */
  readonly keysLoadedAt: number;
};

type Timed<Labels> = { labels: Labels; durations: Durations };

/** How many requests were answered since the start. */
export function requestCount({ requests }: Records): number {
  let count = 0;
  for (const { durations } of requests()) count += durations.count;
  return count;
}

/** Counts what the service reports. */
export type Recorder = { metrics: Metrics; records: Records };

export function createRecorder(clock: Clock): Recorder {
  const startedAt = clock();
  const requests = createTimings<AnsweredRequest>(
    ({ method, status, route }) => `${method} ${status} ${route}`,
  );
  const storeOperations = createTimings<ResourceOperation>(
    ({ resource, operation }) => `${resource} ${operation}`,
  );
  const refusals = Object.fromEntries(REFUSALS.map((code) => [code, 0])) as Record<Refusal, number>;
  const records = {
    startedAt,
    requests: requests.all,
    requestsInFlight: 0,
    refusals,
    wrongKeys: 0,
    storeOperations: storeOperations.all,
    keyReloads: { success: 0, failure: 0 },
    keysLoadedAt: startedAt,
  };

  const metrics: Metrics = {
    requestBegan() {
      records.requestsInFlight += 1;
    },

    requestEnded(request, seconds) {
      records.requestsInFlight -= 1;
      requests.add(request, seconds);
    },

    requestRefused(code) {
      if (code in refusals) refusals[code as Refusal] += 1;
    },

    wrongKeySent() {
      records.wrongKeys += 1;
    },

    keysReloaded(ok) {
      records.keyReloads[ok ? "success" : "failure"] += 1;
      if (ok) records.keysLoadedAt = clock();
    },

    storeOperationEnded: storeOperations.add,
  };

  return { metrics, records };
}

/** Durations by their labels, which `keyOf` tells apart. */
function createTimings<Labels>(keyOf: (labels: Labels) => string) {
  const timings = new Map<string, Timed<Labels>>();
  return {
    all: () => timings.values(),
    add(labels: Labels, seconds: number): void {
      const key = keyOf(labels);
      let known = timings.get(key);
      if (!known) {
        known = { labels, durations: noDurations() };
        timings.set(key, known);
      }
      addDuration(known.durations, seconds);
    },
  };
}

/**
 * Upper bounds in seconds. Most answers take less than a millisecond; a request may take up to
 * REQUEST_TIMEOUT_SECONDS, by default 30.
 */
export const DURATION_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;

/** A histogram of durations. */
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
