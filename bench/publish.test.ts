import { expect, test } from "bun:test";
import { chart } from "./chart.ts";
import { CHART, DOCS, JSON_FILE, withResults } from "./publish.ts";
import { SAMPLE } from "./results.sample.ts";
import type { Results } from "./results.ts";
import { markdown } from "./table.ts";

test("results replace those between the markers, and nothing else", () => {
  const text = "before <!-- results -->\nold\n<!-- /results --> after";
  expect(withResults(text, SAMPLE)).toBe(
    `before <!-- results -->\n\n${markdown(SAMPLE)}\n\n<!-- /results --> after`,
  );
});

test("documentation and chart show the saved results (else run `bun bench/publish.ts`)", async () => {
  const results: Results = await Bun.file(JSON_FILE).json();
  const docs = await Bun.file(DOCS).text();
  expect(docs).toBe(withResults(docs, results));
  expect(docs).toContain(markdown(results));
  expect(await Bun.file(CHART).text()).toBe(chart(results));
});
