import { expect, test } from "bun:test";
import { SAMPLE as BENCH } from "../results.sample.ts";
import { accuracy } from "./measured-tables.ts";
import { SAMPLE } from "./results.sample.ts";
import { scalingTables } from "./table.ts";

const tables = scalingTables(SAMPLE, BENCH);
const rowsOf = (name: string) => tables[name]?.split("\n") ?? [];

test("what one core serves is the published benchmark's", () => {
  expect(rowsOf("core")).toContain("| `GET /health` | 20 | 50,000 | 30,000 |");
});

test("each load of the check is measured / modelled, with the machine", () => {
  expect(rowsOf("check")).toContain(
    "| `GET /books/1, PostgreSQL` | 1 | 60 % | 6,000 | 0.40 / 0.30 | 2.00 / 0.80 | 90 / 80 |",
  );
  expect(tables.check).toContain(
    "2026-01-02, `bun run bench:scale --save` at commit 0123abc, on 2 cores (A CPU), 24 GiB, x64; each row is the median of 3 rounds of 1.5 s.",
  );
});

test("how far the model is off is said in figures", () => {
  expect(accuracy(SAMPLE.checks)).toContain(
    "- p99: 0.65 in the middle, from 0.40 to 0.90; 1 of 2 are within a factor of 1.5.",
  );
});

test("costs name what is measured; those of a write do not differ", () => {
  expect(rowsOf("costs")).toContain("| `POST /books, PostgreSQL` | 80 | 40 | 80 |  |");
  expect(rowsOf("costs")).toContain("| `POST /api/v1/process` | 80 |  | 120 | 0.02 |");
});

test("connections are those of all instances, and a pool that is too large is seen", () => {
  expect(rowsOf("connections")).toContain("| 8 | 101 | 9 | 54 |");
  expect(rowsOf("connections")).toContain("| 100 | 1113 | none; a pooler | 3 |");
});

test("a load that one PostgreSQL cannot serve is marked", () => {
  const [row = ""] = rowsOf("growth").filter((line) => line.startsWith("| 1,000,000 |"));
  expect(row).toMatch(/\| 13\d \| 67 \\\* \| 2 \|/);
});

test("what is unchanged, what a CDN leaves, and every assumption have their rows", () => {
  expect(rowsOf("unchanged")).toContain("| `GET /books/1, PostgreSQL` | 1000 / 800 | 80 / 70 |");
  expect(tables.cdn).toMatch(/^\| 1,000,000 \| 100,000 \| 14 \| 7 \|/m);
  expect(tables.assumptions).toContain("| `hitRatio` | 0.9 |");
  for (const table of Object.values(tables)) expect(table).not.toMatch(/NaN|undefined|Infinity/);
});
