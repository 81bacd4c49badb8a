import type { Clock } from "../clock.ts";

/** More clients than one instance answers within a minute, in some 25 MB at the most. */
const CAPACITY = 100_000;

type Window = { hits: number; startedAt: number };

export type FixedWindowsOptions = {
  windowMs: number;
  clock: Clock;
  /** The most keys that are remembered: 100,000 unless told. */
  capacity?: number;
};

/**
 * Counts hits by key in windows of one length, each of which starts with its key's first hit.
 *
 * Its memory is bounded whatever keys come: beyond `capacity`, keys that were not seen for longest are
 * forgotten. What is over is forgotten too, though nothing runs between two hits: keys are kept in two
 * generations, those that were seen since the younger one began and others. When as much time has gone as
 * a window has, or the younger one is full, it becomes the older one, whose keys are forgotten at once.
 */
export function createFixedWindows(options: FixedWindowsOptions) {
  const { windowMs, clock, capacity = CAPACITY } = options;
  let younger = new Map<string, Window>();
  let older = new Map<string, Window>();
  let youngerSince = clock();

  /** Time that is behind was so before the clock was set back. */
  function isOver(since: number, now: number): boolean {
    return now - since >= windowMs || now < since;
  }

  function age(now: number): void {
    if (younger.size < capacity / 2 && !isOver(youngerSince, now)) return;
    older = younger;
    younger = new Map();
    youngerSince = now;
  }

  function find(key: string): Window | undefined {
    return younger.get(key) ?? older.get(key);
  }

  /** The key's window, in the younger generation. */
  function touch(key: string, now: number): Window {
    const found = find(key);
    const window = found && !isOver(found.startedAt, now) ? found : { hits: 0, startedAt: now };
    if (younger.get(key) !== window) {
      age(now);
      older.delete(key);
      younger.set(key, window);
    }
    return window;
  }

  return {
    /** How many hits there were in the key's window, if it is in one, and when that ends. */
    get(key: string): { totalHits: number; resetTime: Date } | undefined {
      const window = find(key);
      if (!window || isOver(window.startedAt, clock())) return undefined;
      return { totalHits: window.hits, resetTime: new Date(window.startedAt + windowMs) };
    },

    /** Counts one hit, and says how many there were in this window and when it ends. */
    increment(key: string): { totalHits: number; resetTime: Date } {
      const window = touch(key, clock());
      window.hits += 1;
      return { totalHits: window.hits, resetTime: new Date(window.startedAt + windowMs) };
    },

    /** Takes one hit back. */
    decrement(key: string): void {
      const window = find(key);
      if (window && window.hits > 0) window.hits -= 1;
    },

    resetKey(key: string): void {
      younger.delete(key);
      older.delete(key);
    },

    /** How many keys are remembered. */
    size: () => younger.size + older.size,
  };
}
