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
