import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { coverageTable, readLcov } from "./coverage-summary.ts";

setDefaultTimeout(60_000);

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

describe("bun scripts/coverage-summary.ts", () => {
  const run = (file: string, env: Record<string, string> = {}) =>
    Bun.spawnSync([process.execPath, "scripts/coverage-summary.ts", file], {
      env: { PATH: process.env.PATH ?? "", ...env },
    });

  test("shows on the page of a run what Bun measured", async () => {
    const home = mkdtempSync(join(tmpdir(), "thimble-coverage-"));
    const measure = ["--coverage", `--coverage-dir=${home}`];
    Bun.spawnSync([process.execPath, "test", ...measure, "./src/resources/entity-tag.test.ts"]);
    const summary = join(home, "summary.md");
    expect(run(join(home, "lcov.info"), { GITHUB_STEP_SUMMARY: summary }).exitCode).toBe(0);
    const text = await Bun.file(summary).text();
    rmSync(home, { recursive: true });
    expect(text).toMatch(/^### Coverage\n\n\| file \| lines \| functions \|\n/);
    expect(text).toMatch(/\| \*\*all \d+ files\*\* \| [\d.]+ % \| [\d.]+ % \|/);
  });

  test("says which file there is not", () => {
    const { stderr, exitCode } = run("/no/such/lcov.info");
    expect(stderr.toString()).toBe(
      "thimble: there is no /no/such/lcov.info; run the tests first\n",
    );
    expect(exitCode).toBe(1);
  });
});
