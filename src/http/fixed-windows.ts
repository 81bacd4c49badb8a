import type { Clock } from "../time.ts";

/** At most `requests` requests in `windowMs` milliseconds. */
export type Rate = { requests: number; windowMs: number };

/** More clients than one instance answers within a minute, in at most about 25 MB. */
const CAPACITY = 100_000;

type Window = { hits: number; startedAt: number };

/** The number of hits in a key's window, and its end in milliseconds since the Unix epoch. */
export type WindowState = { hits: number; endsAt: number };

export type FixedWindowsOptions = {
  windowMs: number;
  clock: Clock;
  /** The most keys that are remembered: 100,000 by default. */
  capacity?: number;
};

/**
 * Counts hits by key in windows of one length, each of which starts with its key's first hit.
 *
 * Its memory is bounded: beyond `capacity`, it forgets the keys that it has not seen for the longest
 * time. It also forgets expired windows, without a timer: keys are in two generations, a younger one
 * for keys that were seen since it began, and an older one. When the younger generation is as old as a
 * window, or full, it becomes the older one, whose keys are all forgotten.
 */
export function createFixedWindows(options: FixedWindowsOptions) {
  const { windowMs, clock, capacity = CAPACITY } = options;
  let younger = new Map<string, Window>();
  let older = new Map<string, Window>();
  let youngerSince = clock();

  /** A start time in the future means the clock was set back. */
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
    /** The key's window, if it is in one. */
    get(key: string): WindowState | undefined {
      const window = find(key);
      if (!window || isOver(window.startedAt, clock())) return undefined;
      return stateOf(window);
    },

    /** Counts one hit of the key. */
    count(key: string): WindowState {
      const window = touch(key, clock());
      window.hits += 1;
      return stateOf(window);
    },

    /** How many keys are remembered. */
    size: () => younger.size + older.size,
  };

  function stateOf({ hits, startedAt }: Window): WindowState {
    return { hits, endsAt: startedAt + windowMs };
  }
}
