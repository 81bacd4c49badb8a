import { expect, spyOn, test } from "bun:test";
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
  expect(shown).toMatch(/^\r.\[KRestoring \[#{12}-{12}\] {2}50 % 5 books, [\d,]+\/s$/);
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

test("it says how long the rest takes, once there is enough to tell", () => {
  let now = 0;
  const clock = spyOn(performance, "now").mockImplementation(() => now);
  try {
    let shown = "";
    const progress = createProgress("Importing", "books", (text) => {
      shown = text;
    });
    const after = (ms: number, entries: number, share: number) => {
      now = ms;
      progress.update(entries, share);
      return shown.split(" % ")[1];
    };
    expect(after(500, 1000, 0.1)).toBe("1,000 books, 2,000/s");
    expect(after(2000, 4000, 0.25)).toBe("4,000 books, 2,000/s, 6 s left");
    expect(after(60_000, 123_456, 0.1)).toBe("123,456 books, 2,058/s, 9 min left");
    expect(after(61_000, 200_000, 1)).toBe("200,000 books, 3,279/s");
  } finally {
    clock.mockRestore();
  }
});
