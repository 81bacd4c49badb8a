import { expect, test } from "bun:test";
import { SAMPLE } from "./results.sample.ts";
import { markdown } from "./table.ts";

test("has a row for each contender, with the request named once", () => {
  const rows = markdown(SAMPLE).split("\n");
  expect(rows).toContain(
    "| `GET /health` | bare Bun.serve 1.2 | 10.0 | 9.0–11.0 | 100000 | 1.00 |",
  );
  expect(rows).toContain("|  | Thimble 1.2 | 20.0 | 19.0–21.0 | 50000 | 0.50 |");
});

test("has a table for each other part", () => {
  const rows = markdown(SAMPLE).split("\n");
  expect(rows).toContain("| `GET /health` | Thimble | 10000 | 0.25 | 1.50 | 3.00 |");
  expect(rows).toContain("| 2 times what can be answered | 95 % | 40 % |");
  expect(rows).toContain("| each fsync 5 ms longer | 2000 | 0.10 | 1.00 | 2.00 |");
  expect(rows).toContain("| 100500 | 60.0 | 30.0 |");
  expect(rows).toContain("| Thimble | 20.0 | 19.0–30.0 |");
});

test("names the machine, the commit and the peers that are missing", () => {
  expect(markdown(SAMPLE)).toContain(
    "2026-01-02, `bun run bench` at commit 0123abc, on 2 cores (A CPU), 24 GiB, x64; rounds: 5, each of 4 s.",
  );
  expect(markdown(SAMPLE)).toContain("Not measured: Flask. It is not installed.");
});

test("leaves out the parts that were not measured", () => {
  const { date, commit, machine, effort } = SAMPLE;
  const nothing = { date, commit, machine, effort, workloads: [], missing: [] };
  expect(markdown(nothing)).not.toContain("|");
});
