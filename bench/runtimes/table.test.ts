import { expect, test } from "bun:test";
import results from "./results.json" with { type: "json" };
import type { Results } from "./results.ts";
import { markdown, TABLE } from "./table.ts";

const RESULTS: Results = {
  date: "2026-01-02",
  revision: "0123456789abcdef",
  machine: { cpu: "A CPU", cores: 2, memoryGiB: 24, architecture: "x64" },
  effort: { starts: 10, turns: 5, secondsPerTurn: 2 },
  contracts: [
    { runtime: "Node", store: "memory", cases: 12, passed: 12, skipped: 0 },
    { runtime: "Node", store: "SQLite", cases: 12, passed: 11, skipped: 1 },
    { runtime: "workerd", store: "PostgreSQL", cases: 12, passed: 12, skipped: 0 },
    {
      runtime: "workerd",
      store: "PostgreSQL behind Hyperdrive",
      cases: 12,
      passed: 12,
      skipped: 0,
    },
  ],
  measurements: [
    {
      runtime: "Node",
      version: "26.1",
      firstAnswerMs: 99.6,
      healthPerSecond: 1e4,
      bookPerSecond: 9e3,
    },
  ],
};

test("has a row a runtime: what passed on each store, and what was measured", () => {
  const rows = markdown(RESULTS).split("\n");
  expect(rows).toContain("| **Node** 26.1 | 12 | 11 of 12 |  |  | 100 | 10000 | 9000 |");
  expect(rows).toContain("| **workerd** |  |  | 12, behind Hyperdrive 12 |  |  |  |  |");
});

test("names the cases that cannot hold, with the reason", () => {
  expect(markdown(RESULTS)).toMatch(/^\| Lambda \| POST \/books refuses [^|]+ \| AWS [^|]+ \|$/m);
});

test("is written as results and exceptions are (else run `bun bench/runtimes/table.ts`)", async () => {
  expect(await Bun.file(TABLE).text()).toBe(`${markdown(results)}\n`);
});
