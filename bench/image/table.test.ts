import { describe, expect, test } from "bun:test";
import { SAMPLE } from "./results.sample.ts";
import { markdown, readmeSummary } from "./table.ts";

const text = markdown(SAMPLE);

describe("the table", () => {
  test("has a row for each variant, and the cited one", () => {
    const [, , ...rows] = text.split("\n").filter((line) => line.startsWith("|"));
    expect(rows).toEqual([
      "| **naive**\\*: One stage <slim> | 425.0 | 150.4 / 120.6 | 8 / 9000 / 400 | 237 | 35.0 + 0.0 = 35.0 | 20,000 |",
      "| **tiny**: Packed | 45.0 | 44.0 / 43.0 | 2 / 7 / 2 | 140 | 12.0 + 108.0 = 120.0 | 20,100 |",
      "| **Flask**†: What Thimble replaces, as published | 75.2 |  |  | 3000 |  |  |",
    ]);
  });

  test("has as many cells in each row as in its head", () => {
    const rows = text.split("\n").filter((line) => line.startsWith("|"));
    expect(new Set(rows.map((row) => row.split("|").length)).size).toBe(1);
  });

  test("says which base images were built locally, and only then", () => {
    expect(text).toContain("\\* Base images built locally: oven/bun:1.4.4-slim.");
    const pulled = SAMPLE.results.map((result) => ({ ...result, localBases: [] }));
    expect(markdown({ ...SAMPLE, results: pulled })).not.toContain("built locally");
  });

  test("says where it was measured, and how", () => {
    expect(text).toContain(
      "2026-11-20, `bun run bench:image` at commit 0123456, on 2 cores (A CPU), 8 GiB",
    );
    expect(text).toContain("median of 10");
  });

  test("says so where the run was a quick one", () => {
    expect(text).not.toContain("quick");
    expect(markdown({ ...SAMPLE, quick: true })).toStartWith("**A quick run");
  });
});

test("the README's sentence has the figures of both images", () => {
  const standard = SAMPLE.results.map((result) => ({ ...result, name: "standard" }))[0];
  const results = standard ? [...SAMPLE.results, standard] : [];
  expect(readmeSummary({ ...SAMPLE, results })).toBe(
    "The image `tiny` takes 45 MB, and 43 MB to pull; `standard` answers 237 ms after its start; " +
      "one core answers 20,000 requests for `/health` per second.",
  );
  expect(() => readmeSummary(SAMPLE)).toThrow("tiny and standard were not measured");
});
