import { expect, test } from "bun:test";
import { markdownTable } from "./markdown-table.ts";

test("a table has its heads, a rule and its rows", () => {
  expect(
    markdownTable(
      ["a", "b"],
      [
        ["1", "2"],
        ["3", ""],
      ],
    ),
  ).toBe("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |  |");
});

test("columns are aligned as requested", () => {
  expect(markdownTable(["a", "b"], [["1", "2"]], "lr")).toBe("| a | b |\n| --- | --: |\n| 1 | 2 |");
});

test("a bar in a cell is no end of the cell", () => {
  const html = Bun.markdown.html(markdownTable(["a | b", "c"], [["1 | 2", "3"]]), { tables: true });
  expect(html.match(/(?<=<t[hd]>).*?(?=<)/g)).toEqual(["a | b", "c", "1 | 2", "3"]);
});
