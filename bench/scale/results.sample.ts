import type { MeasuredCost, Results } from "./results.ts";

/** From 180 to 220 µs. */
const ALONE = Array.from({ length: 101 }, (_, step) => 0.00018 + step * 0.0000004);

function cost(id: string, title: string, more: Partial<MeasuredCost> = {}): MeasuredCost {
  const times = { instance: 0.00008, database: 0.00004, alone: ALONE };
  return { id, title, ...times, waitsForDisk: false, ...more };
}

/** A run of three loads. */
export const SAMPLE: Results = {
  date: "2026-01-02",
  commit: "0123abc",
  command: "bun run bench:scale --save",
  machine: { cpu: "A CPU", cores: 2, memoryGiB: 24, architecture: "x64" },
  rounds: 3,
  seconds: 1.5,
  costs: [
    cost("process", "POST /api/v1/process", { database: 0 }),
    cost("book-postgres", "GET /books/1, PostgreSQL"),
    cost("create-postgres", "POST /books, PostgreSQL", { waitsForDisk: true }),
  ],
  checks: [
    {
      ...{ id: "book-postgres", instances: 1, utilisation: 0.6, perSecond: 6000 },
      measured: { p50: 0.4, p99: 2, cpu: 90 },
      modelled: { p50: 0.3, p99: 0.8, cpu: 80 },
    },
    {
      ...{ id: "book-postgres", instances: 2, utilisation: 0.6, perSecond: 7000 },
      measured: { p50: 0.3, p99: 1, cpu: 80 },
      modelled: { p50: 0.3, p99: 0.9, cpu: 80 },
    },
  ],
  savings: [
    {
      title: "GET /books/1, PostgreSQL",
      bytes: { whole: 1000, unchanged: 800 },
      cpu: { whole: 0.00008, unchanged: 0.00007 },
    },
  ],
};
