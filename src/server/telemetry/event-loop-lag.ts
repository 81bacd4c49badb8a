import { setTimeout } from "node:timers";

const INTERVAL_MS = 100;

/**
 * Tells ten times a second how much later than asked for a timer came, in seconds. By a timer, as
 * `monitorEventLoopDelay` counts something else on Node than on Bun and Deno.
 */
export function watchEventLoopLag(record: (seconds: number) => void): void {
  const dueAt = performance.now() + INTERVAL_MS;
  const timer = setTimeout(() => {
    record(Math.max(0, performance.now() - dueAt) / 1000);
    watchEventLoopLag(record);
  }, INTERVAL_MS);
  // A process does not go on for the sake of this.
  timer.unref();
}
