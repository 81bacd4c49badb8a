/** A number from 0 up to 1. */
export type Random = () => number;
/** A duration, drawn for each request, in seconds. */
export type Draw = () => number;

/** Always the same numbers for a seed: mulberry32, whose period of 2^32 is enough for a simulation. */
export function seeded(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Times between the requests of many clients that know nothing of each other: a Poisson process. */
export function exponential(random: Random, mean: number): Draw {
  return () => -Math.log(1 - random()) * mean;
}

/** Durations as they were measured: a point between two neighbours of a sorted list. */
export function between(random: Random, sorted: readonly number[]): Draw {
  return () => {
    const place = random() * (sorted.length - 1);
    const below = Math.floor(place);
    const low = sorted[below] ?? 0;
    return low + ((sorted[below + 1] ?? low) - low) * (place - below);
  };
}
