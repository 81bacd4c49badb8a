import { describe, expect, test } from "bun:test";
import { chart, readmeChart } from "./chart.ts";
import { SAMPLE } from "./results.sample.ts";

const svg = chart(SAMPLE);

/** The widths of the bars of the first panel, from top to bottom. */
function firstPanel(): number[] {
  const bars = [...svg.matchAll(/<rect class="(?:bar|own|cited)".* width="([\d.]+)"/g)];
  return bars.slice(0, SAMPLE.results.length + 1).map(([, width]) => Number(width));
}

describe("the chart", () => {
  test("is one SVG image", () => {
    expect(svg).toStartWith('<svg xmlns="http://www.w3.org/2000/svg"');
    expect(svg).toEndWith("</svg>\n");
    expect(svg).not.toContain("NaN");
  });

  test("has bars as long as the figures are large", () => {
    const [naive = 0, tiny = 0, flask = 0] = firstPanel();
    expect(naive / tiny).toBeCloseTo(425 / 45, 1);
    expect(flask / tiny).toBeCloseTo(75.2 / 45, 1);
  });

  test("labels every bar with its figure", () => {
    for (const label of ["425.0", "120.6", "237", "35.0", "45.0", "43.0", "140", "120.0", "75.2"]) {
      expect(svg).toContain(`>${label}</text>`);
    }
  });

  test("marks what stands on base images built locally, and what is cited", () => {
    expect(svg).toContain(">naive *</text>");
    expect(svg).toContain(">tiny</text>");
    expect(svg).toContain(">Flask, as published</text>");
    expect(svg).toContain("* on base images that were built here");
  });

  test("has colours for dark pages", () => {
    expect(svg).toContain("prefers-color-scheme: dark");
  });

  test("of the README has what it compares only", () => {
    expect(readmeChart(SAMPLE)).toContain(">tiny</text>");
    expect(readmeChart(SAMPLE)).not.toContain(">naive");
    expect(readmeChart(SAMPLE)).not.toContain(">Flask, as published</text>");
  });

  test("says so where the run was a quick one", () => {
    expect(svg).not.toContain("quick");
    expect(chart({ ...SAMPLE, quick: true })).toContain("A quick run");
  });
});
