import { expect, test } from "bun:test";
import { books } from "../books.ts";
import { defineResource } from "../resources/resource.ts";
import { describeContent } from "./copy.ts";
import { createProgress, secondsSince } from "./progress.ts";

test("a terminal sees how far it is and how fast, and then nothing of it", () => {
  let shown = "";
  const progress = createProgress("Restoring", "books", (text) => {
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
  createProgress("Exporting", "books", (text) => {
    shown += text;
  }).update(1, share);
  expect(shown).toContain(percent);
});

test("without a terminal nothing is shown", () => {
  const progress = createProgress("Exporting", "books", undefined);
  progress.update(1, 0.5);
  progress.end();
});

test("seconds are written with one digit after the point", () => {
  expect(secondsSince(performance.now())).toBe("0.0 s");
  expect(secondsSince(performance.now() - 1234)).toBe("1.2 s");
});

test("entries are counted in words", () => {
  const lists = defineResource("reading_lists", { one: "reading_list", fields: {} });
  const counts = new Map([
    ["books", 1],
    ["reading_lists", 0],
  ]);
  const content = { counts, unknownTables: [] };
  expect(describeContent([books, lists], content)).toBe("1 book, 0 reading lists");
  const one = { counts: new Map([["reading_lists", 1]]), unknownTables: ["loans", "seats"] };
  expect(describeContent([lists, books], one)).toBe("1 reading list, and the tables loans, seats");
});
