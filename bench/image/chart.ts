import { type Bar, barChart, type Chart } from "../bar-chart.ts";
import { FLASK, type Result, type Results, readmeResults } from "./results.ts";

type Figure = {
  title: string;
  digits: number;
  of: (result: Result) => number;
  /** Of the image that was not measured here. */
  cited?: number;
  inReadme?: boolean;
};

const FIGURES: Figure[] = [
  {
    title: "Image, MB",
    digits: 1,
    of: ({ uncompressed }) => uncompressed / 1e6,
    cited: FLASK.uncompressed / 1e6,
    inReadme: true,
  },
  { title: "Pull as zstd, MB", digits: 1, of: ({ contents }) => contents.zstd / 1e6 },
  {
    title: "Start to first 200, ms",
    digits: 0,
    of: ({ firstAnswerMs }) => firstAnswerMs,
    cited: FLASK.firstAnswerMs,
    inReadme: true,
  },
  {
    title: "Idle memory, MiB",
    digits: 1,
    of: ({ idle }) => (idle.anon + idle.shmem) / 2 ** 20,
  },
];

/** The project's own images, which the chart highlights. */
const OWN = new Set(["standard", "tiny"]);

/** The results as an SVG image: a panel for each of four figures, with a bar for each variant. */
export function chart(results: Results): string {
  return barChart(chartOf(results, FIGURES, (figure) => [citedBar(figure)]));
}

/** The same for the README: fewer variants, by size and by start. */
export function readmeChart(results: Results): string {
  const figures = FIGURES.filter(({ inReadme }) => inReadme);
  const compared = { ...results, results: readmeResults(results) };
  return barChart({ ...chartOf(compared, figures, () => []), columns: figures.length });
}

function chartOf(
  results: Results,
  figures: readonly Figure[],
  cited: (figure: Figure) => Bar[],
): Chart {
  return {
    title: "One API, shipped in different ways",
    notes: ["Shorter is better.", ...footnotes(results)],
    label: `${figures.map(({ title }) => title).join("; ")}: of each way to ship the service`,
    panels: figures.map((figure) => ({
      title: figure.title,
      digits: figure.digits,
      bars: [...results.results.map((result) => barOf(result, figure)), ...cited(figure)],
    })),
  };
}

function barOf(result: Result, { of }: Figure): Bar {
  const mark = result.localBases.length > 0 ? " *" : "";
  const kind = OWN.has(result.name) ? "own" : "bar";
  return { name: result.name + mark, value: of(result), kind };
}

function citedBar({ cited }: Figure): Bar {
  return { name: `${FLASK.name}, as published`, value: cited, kind: "cited" };
}

function footnotes({ quick, results }: Results): string[] {
  return [
    results.some(({ localBases }) => localBases.length > 0)
      ? "* on base images that were built here"
      : "",
    quick ? "A quick run: times are rough." : "",
  ].filter(Boolean);
}
