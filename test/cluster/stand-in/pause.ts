import { setTimeout } from "node:timers/promises";

/** Waits, and no longer when the signal comes. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return setTimeout(milliseconds, undefined, { signal }).catch(() => {});
}
