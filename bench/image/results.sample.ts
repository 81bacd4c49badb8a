import type { Results } from "./results.ts";

/** Sample results of a run, for the tests of tables and charts. */
export const SAMPLE: Results = {
  date: "2026-11-20T10:00:00.000Z",
  command: "bun run bench:image",
  quick: false,
  revision: "0123456789abcdef",
  machine: { cpu: "A CPU", cores: 2, memoryGiB: 8, architecture: "x64", loadBefore: 0.1 },
  versions: { linux: "6.12", engine: "26.1.5", bun: "1.4.4", wrk: "4.1.0" },
  effort: { starts: 10, turns: 5, secondsPerTurn: 4 },
  conditions: {
    memory: "256m",
    ready: "/health",
    endpoint: "/health",
    settleMs: 2000,
    warmUpSeconds: 1,
  },
  compression: { gzipLevel: 6, zstdLevel: 19 },
  results: [
    {
      name: "naive",
      description: "One stage <slim>",
      uncompressed: 425_000_000,
      contents: { layers: 8, files: 9000, executables: 400, gzip: 150_400_000, zstd: 120_600_000 },
      buildSeconds: { cold: 4.04, warm: 3 },
      firstAnswerMs: 237.4,
      idle: { anon: 35 * 2 ** 20, shmem: 0 },
      requestsPerSecond: 20_000.4,
      localBases: ["oven/bun:1.4.4-slim"],
    },
    {
      name: "tiny",
      description: "Packed",
      uncompressed: 45_000_000,
      contents: { layers: 2, files: 7, executables: 2, gzip: 44_000_000, zstd: 43_000_000 },
      buildSeconds: { cold: 60, warm: 50 },
      firstAnswerMs: 140.4,
      idle: { anon: 12 * 2 ** 20, shmem: 108 * 2 ** 20 },
      requestsPerSecond: 20_100,
      localBases: [],
    },
  ],
};
