import { expect, test } from "bun:test";
import { chart } from "./chart.ts";
import { SAMPLE } from "./results.sample.ts";

const svg = chart(SAMPLE);

/** What a pattern finds once for each match, in the order of the chart. */
const all = (pattern: RegExp) => Array.from(svg.matchAll(pattern), ([, found = ""]) => found);

test("is as wide as a phone, with text that is read there", () => {
  expect(svg).toStartWith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 ');
  const sizes = all(/font(?:-size)?: (\d+)px/g).map(Number);
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(15);
});

test("has a bar for each contender, the shortest first, in proportion", () => {
  const widths = all(/<rect class="(?:own|bare|bar)"[^>]* width="([\d.]+)"/g).map(Number);
  const [bare = 0, own, other] = widths;
  expect(widths).toHaveLength(3);
  expect(own).toBeCloseTo(2 * bare, 0);
  expect(other).toBeCloseTo(4 * bare, 0);
  expect(all(/<rect class="(\w+)" x="16"/g)).toEqual(["bare", "own", "bar"]);
});

test("nothing is drawn outside the picture", () => {
  const [, width = 0, height = 0] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)?.map(Number) ?? [];
  for (const x of all(/ x="([\d.]+)"/g)) expect(Number(x)).toBeLessThan(width - 40);
  for (const y of all(/ y="([\d.]+)"/g)) expect(Number(y)).toBeLessThan(height);
});

test("shows only what peers answer too", () => {
  expect(svg).toContain(">GET /health</text>");
  expect(svg).not.toContain("GET /books/1");
});

test("a name is text, whatever it holds", () => {
  expect(svg).toContain(">C &amp; &lt;D&gt;</text>");
});

test("has colours for a dark page", () => {
  const [light = "", dark = ""] = svg.split("@media (prefers-color-scheme: dark)");
  for (const part of ["paper", "text", "quiet", "bar", "own", "bare"]) {
    expect(light).toContain(`.${part} {`);
    expect(dark).toContain(`.${part} {`);
  }
});
