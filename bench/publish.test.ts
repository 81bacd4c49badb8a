import { expect, test } from "bun:test";
import { withResults } from "./publish.ts";
import { SAMPLE } from "./results.sample.ts";
import { markdown } from "./table.ts";

test("results replace those between the markers, and nothing else", () => {
  const text = "before <!-- results -->\nold\n<!-- /results --> after";
  expect(withResults(text, SAMPLE)).toBe(
    `before <!-- results -->\n\n${markdown(SAMPLE)}\n\n<!-- /results --> after`,
  );
});
