import { describe, expect, test } from "bun:test";
import { coverageReport, coverageTable, readLcov } from "./coverage.ts";

const record = (file: string, hit: number, found: number) =>
  `TN:\nSF:${file}\nFNF:2\nFNH:1\nDA:1,1\nLF:${found}\nLH:${hit}\nend_of_record\n`;

describe("readLcov", () => {
  test("has each file's lines and functions", () => {
    expect(readLcov(record("src/a.ts", 3, 4) + record("src/b.ts", 5, 5))).toEqual([
      { file: "src/a.ts", lines: { hit: 3, found: 4 }, functions: { hit: 1, found: 2 } },
      { file: "src/b.ts", lines: { hit: 5, found: 5 }, functions: { hit: 1, found: 2 } },
    ]);
  });

  test("does not take nothing for everything", () => {
    expect(() => readLcov("\n")).toThrow("no coverage was measured");
  });
});

test("the table begins with the total, then the least covered", () => {
  const files = readLcov(
    record("src/a.ts", 9, 10) + record("src/b.ts", 0, 0) + record("src/c.ts", 1, 2),
  );
  expect(coverageTable(files).split("\n").slice(4)).toEqual([
    "| **all 3 files** | 83.3 % | 50.0 % |",
    "| src/c.ts | 50.0 % | 50.0 % |",
    "| src/a.ts | 90.0 % | 50.0 % |",
    "| src/b.ts | 100.0 % | 50.0 % |",
  ]);
});

describe("coverageReport", () => {
  const uncovered = (file: string) => `SF:${file}\nFNF:4\nFNH:2\nLF:4\nLH:4\nend_of_record\n`;
  const covered = (file: string, hit: number) =>
    `SF:${file}\nFNF:4\nFNH:3\nLF:100\nLH:${hit}\nend_of_record\n`;

  test("is one number where every file is covered", () => {
    const files = readLcov(covered("src/a.ts", 95) + covered("src/b.ts", 100));
    expect(coverageReport(files)).toBe("coverage: 97.5 % of lines");
  });

  test("names the files that are not", () => {
    const files = readLcov(
      covered("src/a.ts", 95) + covered("src/b.ts", 94) + uncovered("src/c.ts"),
    );
    expect(coverageReport(files).split("\n")).toEqual([
      "coverage is too low: a file needs 95 % of lines and 75 % of functions",
      "  src/b.ts: 94.0 % of lines, 75.0 % of functions",
      "  src/c.ts: 100.0 % of lines, 50.0 % of functions",
    ]);
  });
});
