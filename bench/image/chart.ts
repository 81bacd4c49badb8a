import { bar, DARK, image, LIGHT, text } from "../svg.ts";
import { FLASK, type Results } from "./results.ts";

type Bar = { name: string; description: string; cited: boolean; values: (number | undefined)[] };
type Panel = { title: string; digits: number };

const PANELS: Panel[] = [
  { title: "Image, MB", digits: 1 },
  { title: "Pull as zstd, MB", digits: 1 },
  { title: "Start to first 200, ms", digits: 0 },
  { title: "Idle memory, MiB", digits: 1 },
];

const PADDING = 24;
const LABELS_WIDTH = 256;
const LABELS_LENGTH = 40;
const PANEL_WIDTH = 166;
const PANEL_GAP = 16;
const VALUE_WIDTH = 48;
const ROW_HEIGHT = 40;
const BAR_HEIGHT = 16;
const HEAD_HEIGHT = 78;
const FOOT_HEIGHT = 44;
const WIDTH =
  2 * PADDING + LABELS_WIDTH + PANELS.length * PANEL_WIDTH + (PANELS.length - 1) * PANEL_GAP;

/** The chart has its own background, because a page may be light while the system is dark. */
const STYLE = `${LIGHT}
  .cited { fill: none; stroke: #8c959f; stroke-dasharray: 3 2; }
  .axis { stroke: #d0d7de; }
  text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  .title { font-size: 16px; font-weight: 600; }
  .name { font-size: 13px; font-weight: 600; }
  .small { font-size: 11px; }
  @media (prefers-color-scheme: dark) {${DARK}
    .cited { stroke: #9198a1; }
    .axis { stroke: #3d444d; }
  }`;

/** The project's own images, which the chart highlights. */
const OWN = new Set(["standard", "tiny"]);

/** The results as an SVG image: a row for each variant, a panel of bars for each of four figures. */
export function chart(results: Results): string {
  const bars = [...results.results.map(measuredBar), flaskBar()];
  const height = HEAD_HEIGHT + bars.length * ROW_HEIGHT + FOOT_HEIGHT;
  return image({
    ...{ width: WIDTH, height, style: STYLE },
    label: "Image size, pull size, start and idle memory of each way to ship the service",
    lines: [
      text("text title", PADDING, 32, "One service, shipped in different ways"),
      ...bars.map(label),
      ...PANELS.flatMap((panel, index) => panelLines(panel, index, bars)),
      text("quiet small", PADDING, height - 20, footnote(results)),
    ],
  });
}

function measuredBar({ name, description, ...result }: Results["results"][number]): Bar {
  const mark = result.localBases.length > 0 ? " *" : "";
  const idle = (result.idle.anon + result.idle.shmem) / 2 ** 20;
  const sizes = [result.uncompressed / 1e6, result.contents.zstd / 1e6];
  const values = [...sizes, result.firstAnswerMs, idle];
  return { name: name + mark, description, cited: false, values };
}

function flaskBar(): Bar {
  const { name, description, uncompressed, firstAnswerMs } = FLASK;
  const values = [uncompressed / 1e6, undefined, firstAnswerMs, undefined];
  return { name: `${name} †`, description, cited: true, values };
}

function label({ name, description }: Bar, row: number): string {
  const y = rowTop(row);
  return [
    text("text name", PADDING, y + 14, name),
    text("quiet small", PADDING, y + 29, shorten(description)),
  ].join("\n");
}

function shorten(description: string): string {
  if (description.length <= LABELS_LENGTH) return description;
  return `${description.slice(0, LABELS_LENGTH - 1).trimEnd()}…`;
}

function panelLines({ title, digits }: Panel, index: number, bars: readonly Bar[]): string[] {
  const left = PADDING + LABELS_WIDTH + index * (PANEL_WIDTH + PANEL_GAP);
  const most = Math.max(...bars.map(({ values }) => values[index] ?? 0));
  const scale = (PANEL_WIDTH - VALUE_WIDTH) / most;
  const bottom = rowTop(bars.length);
  return [
    text("text", left, HEAD_HEIGHT - 14, title),
    `<line class="axis" x1="${left}" y1="${HEAD_HEIGHT - 4}" x2="${left}" y2="${bottom}"/>`,
    ...bars.map((bar, row) => barLine(bar, bar.values[index], { left, row, scale, digits })),
  ];
}

type Place = { left: number; row: number; scale: number; digits: number };

function barLine(
  { name, cited }: Bar,
  value: number | undefined,
  { left, row, scale, digits }: Place,
): string {
  const y = rowTop(row) + (ROW_HEIGHT - BAR_HEIGHT) / 2 - 2;
  const textY = y + BAR_HEIGHT - 4;
  if (value === undefined) return text("quiet", left + 6, textY, "–");
  const width = Math.max(1, value * scale);
  const kind = cited ? "cited" : OWN.has(name.replace(" *", "")) ? "own" : "bar";
  return [
    bar(kind, { x: left, y, width, height: BAR_HEIGHT }),
    text("text", left + Math.round(width) + 5, textY, value.toFixed(digits)),
  ].join("\n");
}

function footnote({ quick, results }: Results): string {
  const local = results.some(({ localBases }) => localBases.length > 0);
  return [
    quick ? "A quick run: few repetitions, so times are rough." : "",
    "Shorter is better.",
    local ? "* Base images built locally; the public ones differ in size." : "",
    "† Cited, not measured here.",
  ]
    .filter(Boolean)
    .join("  ");
}

function rowTop(row: number): number {
  return HEAD_HEIGHT + row * ROW_HEIGHT;
}
