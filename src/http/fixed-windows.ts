import { type Elapsed, elapsed } from "../time.ts";

/** At most `requests` requests in `windowMs` milliseconds. */
export type Rate = { requests: number; windowMs: number };

/** More clients than one instance answers within a minute, in at most about 25 MB. */
const CAPACITY = 100_000;

/** The number of hits in a key's window, and its end by the clock that measures it. */
export type Window = { hits: number; endsAt: number };

/** Called for every hit. It may correct the window later, by what others know of it. */
export type OnHit = (key: string, window: Window) => void;

type FixedWindowsOptions = {
  windowMs: number;
  /** Measures the windows: the runtime's own clock by default. */
  now?: Elapsed | undefined;
  /** The most keys that are remembered: 100,000 by default. */
  capacity?: number | undefined;
  onHit?: OnHit | undefined;
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
  const { windowMs, now: measure = elapsed, capacity = CAPACITY, onHit } = options;
  let younger = new Map<string, Window>();
  let older = new Map<string, Window>();
  let youngerEndsAt = measure() + windowMs;

  function age(now: number): void {
    if (younger.size < capacity / 2 && now < youngerEndsAt) return;
    older = younger;
    younger = new Map();
    youngerEndsAt = now + windowMs;
  }

  function find(key: string): Window | undefined {
    return younger.get(key) ?? older.get(key);
  }

  /** The key's window, in the younger generation. */
  function touch(key: string, now: number): Window {
    const found = find(key);
    const window = found && now < found.endsAt ? found : { hits: 0, endsAt: now + windowMs };
    if (younger.get(key) !== window) {
      age(now);
      older.delete(key);
      younger.set(key, window);
    }
    return window;
  }

  return {
    /** Counts one hit of the key. */
    count(key: string): Readonly<Window> {
      const window = touch(key, measure());
      window.hits += 1;
      onHit?.(key, window);
      return window;
    },

    /** How many milliseconds a window still has. */
    left: ({ endsAt }: Readonly<Window>) => Math.max(0, endsAt - measure()),

    /** How many keys are remembered. */
    size: () => younger.size + older.size,
  };
}
