import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { grouped } from "../grouped.ts";

const BAR_WIDTH = 24;
const INTERVAL_MS = 100;
const STANDARD_ERROR = 2;
const ENOUGH_SECONDS = 1;

export type Progress = {
  /** `share` is what is done of all, from 0 to 1. */
  update: (entries: number, share: number) => void;
  /** Clears the line. */
  end: () => void;
};

/** Writes to the terminal that standard error is; nothing where it is none. */
export function terminal(): ((text: string) => void) | undefined {
  return isatty(STANDARD_ERROR) ? (text) => void writeSync(STANDARD_ERROR, text) : undefined;
}

/** A line on a terminal that shows how far something is and how fast. Without a terminal, nothing. */
export function createProgress(what: string, unit: string, write = terminal()): Progress {
  if (!write) return { update: () => {}, end: () => {} };
  const startedAt = performance.now();
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    update(entries, share) {
      const now = performance.now();
      if (now - shownAt < INTERVAL_MS) return;
      shownAt = now;
      const seconds = Math.max((now - startedAt) / 1000, 0.001);
      const rate = grouped(Math.round(entries / seconds));
      const speed = `${grouped(entries)} ${unit}, ${rate}/s`;
      write(`\r\x1b[K${what} ${bar(share)} ${speed}${timeLeft(seconds, share)}`);
    },
    end: () => write("\r\x1b[K"),
  };
}

function bar(share: number): string {
  const done = Math.min(Math.max(share, 0), 1);
  const filled = Math.round(done * BAR_WIDTH);
  const percent = String(Math.floor(done * 100)).padStart(3);
  return `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}] ${percent} %`;
}

/** What is left if the rest is as fast, once there is enough to tell. */
function timeLeft(seconds: number, share: number): string {
  if (seconds < ENOUGH_SECONDS || share <= 0 || share >= 1) return "";
  const left = Math.ceil((seconds * (1 - share)) / share);
  return left < 100 ? `, ${left} s left` : `, ${grouped(Math.ceil(left / 60))} min left`;
}

/** How long something took, as `0.2 s`. */
export function secondsSince(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}
