import type { Results } from "./results.ts";
import type { Measurement } from "./rounds.ts";

function measurement(contender: string, microseconds: number, ratio: number): Measurement {
  const spread = (median: number) => ({ median, low: median - 1, high: median + 1 });
  return {
    contender,
    version: "1.2",
    microseconds: spread(microseconds),
    perSecond: spread(1e6 / microseconds),
    ratio,
  };
}

/** A run of two workloads and of every other part. */
export const SAMPLE: Results = {
  date: "2026-01-02",
  commit: "0123abc",
  machine: { cpu: "A CPU", cores: 2, memoryGiB: 24, architecture: "x64" },
  effort: { rounds: 5, seconds: 4 },
  workloads: [
    {
      id: "health",
      title: "GET /health",
      measurements: [
        measurement("bare Bun.serve", 10, 1),
        measurement("Thimble", 20, 0.5),
        measurement("C & <D>", 40, 0.25),
      ],
    },
    {
      id: "book",
      title: "GET /books/1",
      measurements: [measurement("bare Bun.serve", 30, 1), measurement("Thimble", 60, 0.5)],
    },
  ],
  latency: [
    {
      contender: "Thimble",
      title: "GET /health",
      saturation: 20_000,
      p50Ms: 0.25,
      p99Ms: 1.5,
      p999Ms: 3,
    },
  ],
  overload: [{ factor: 2, goodput: 0.95, refused: 0.4 }],
  writes: [
    {
      fsyncMs: 5,
      booksPerSecond: 2000,
      fsyncsPerBook: 0.1,
      readP99Ms: { alone: 1, duringWrites: 2 },
    },
  ],
  memory: [{ requests: 100_500, microseconds: 30, memoryMiB: 60 }],
  start: [{ contender: "Thimble", milliseconds: { median: 20, low: 19, high: 30 } }],
  missing: [{ name: "Flask", reason: "It is not installed." }],
};
