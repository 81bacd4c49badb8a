import { expect, test } from "bun:test";
import { createProgress, summary } from "./progress.ts";

test("a terminal sees how far it is and how fast, and then nothing of it", () => {
  let shown = "";
  const progress = createProgress("Restoring", (text) => {
    shown += text;
  });
  progress.update(5, 0.5);
  expect(shown).toMatch(/^\r.\[KRestoring \[#{12}-{12}\] {2}50 % 5 books, \d+\/s$/);
  // Too soon after the last one for anybody to see.
  progress.update(6, 0.6);
  expect(shown).not.toContain("60 %");
  progress.end();
  expect(shown).toEndWith("/s\r\u001b[K");
});

test.each([
  [-1, "  0 %"],
  [2, "100 %"],
])("a share of %d is shown as %s", (share, percent) => {
  let shown = "";
  createProgress("Exporting", (text) => {
    shown += text;
  }).update(1, share);
  expect(shown).toContain(percent);
});

test("without a terminal nothing is shown", () => {
  const progress = createProgress("Exporting", undefined);
  progress.update(1, 0.5);
  progress.end();
});

test("the summary counts books", () => {
  expect(summary(1, performance.now())).toBe("1 book in 0.0 s");
  expect(summary(0, performance.now() - 1234)).toMatch(/^0 books in 1\.2 s$/);
});
