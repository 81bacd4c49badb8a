import { expect, test } from "bun:test";
import { chart } from "./chart.ts";
import { SAMPLE } from "./results.sample.ts";

const svg = chart(SAMPLE);

const all = (pattern: RegExp) => Array.from(svg.matchAll(pattern), ([, found = ""]) => found);

test("is as wide as a phone, with text that is read there", () => {
  expect(svg).toStartWith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 ');
  expect(Math.min(...all(/font(?:-size)?: (\d+)px/g).map(Number))).toBeGreaterThanOrEqual(15);
});

test("has two panels of lines, a limit, and a dot for each load of one instance", () => {
  expect(all(/<polyline class="line (\w+)"/g).join(" ")).toBe("own bar other own bar other limit");
  expect(all(/<circle class="(dot)"/g)).toHaveLength(1);
});

test("ten instances are the curve of one, a power of ten to the right", () => {
  const [one = [], ten = []] = all(/points="([^"]+)"/g).map((points) =>
    points.split(" ").map((point) => point.split(",").map(Number)),
  );
  const [[x1 = 0, y1] = [], [x10 = 0, y10] = []] = [one[0], ten[0]];
  expect(x10 - x1).toBeCloseTo((400 - 16 - 70) / 4, 0);
  expect(y10).toBe(y1);
});

test("nothing is drawn outside the picture", () => {
  const [, width = 0, height = 0] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)?.map(Number) ?? [];
  const places = all(/points="([^"]+)"/g).flatMap((points) => points.split(" "));
  for (const place of [...places, ...all(/<circle[^>]+ (cx="[\d.]+" cy="[\d.]+")/g)]) {
    const [x = -1, y = -1] = (place.match(/[\d.-]+/g) ?? []).map(Number);
    expect(x).toBeWithin(0, width);
    expect(y).toBeWithin(0, height);
  }
  expect(svg).not.toContain("NaN");
});

test("what is beyond an axis is at its end", () => {
  const slow = SAMPLE.checks.map((check) => ({
    ...check,
    measured: { ...check.measured, p99: 1e6 },
  }));
  const [top = ""] = /(?<=<circle[^>]* cy=")[\d.]+/.exec(chart({ ...SAMPLE, checks: slow })) ?? [];
  const [line = ""] =
    /(?<=<path class="grid" d="M70 )[\d.]+(?=H\d+"\/>\n<text[^>]*>100<)/.exec(svg) ?? [];
  expect(top).toBe(line);
  expect(top).not.toBe("");
});

test("has colours for a dark page", () => {
  const [light = "", dark = ""] = svg.split("@media (prefers-color-scheme: dark)");
  for (const part of [
    "paper",
    "text",
    "quiet",
    "grid",
    "line.own",
    "line.bar",
    "line.other",
    "dot",
  ]) {
    expect(light).toContain(`.${part} {`);
    expect(dark).toContain(`.${part} {`);
  }
});
