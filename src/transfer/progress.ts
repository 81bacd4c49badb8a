import { writeSync } from "node:fs";
import { isatty } from "node:tty";

const BAR_WIDTH = 24;
const INTERVAL_MS = 100;
const STANDARD_ERROR = 2;

export type Progress = {
  /** `share` is what is done of all, from 0 to 1. */
  update: (books: number, share: number) => void;
  /** Clears the line. */
  end: () => void;
};

/** Writes to the terminal that standard error is; nothing where it is none. */
export function terminal(): ((text: string) => void) | undefined {
  return isatty(STANDARD_ERROR) ? (text) => void writeSync(STANDARD_ERROR, text) : undefined;
}

/** A line on a terminal that says how far something is and how fast. Without a terminal, nothing. */
export function createProgress(what: string, write = terminal()): Progress {
  if (!write) return { update: () => {}, end: () => {} };
  const startedAt = performance.now();
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    update(books, share) {
      const now = performance.now();
      if (now - shownAt < INTERVAL_MS) return;
      shownAt = now;
      const rate = Math.round(books / Math.max((now - startedAt) / 1000, 0.001));
      write(`\r\x1b[K${what} ${bar(share)} ${books} books, ${rate}/s`);
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

/** A number of books, and how long something took, as `3 books in 0.2 s`. */
export function summary(books: number, startedAt: number): string {
  const seconds = (performance.now() - startedAt) / 1000;
  return `${books} ${books === 1 ? "book" : "books"} in ${seconds.toFixed(1)} s`;
}
