import { DARK, heading, image, LIGHT, LINE_HEIGHT, PADDING, text, WIDTH, WRITING } from "../svg.ts";

type Point = readonly [x: number, y: number];
/** `own` stands out; a `limit` is a thin line. */
export type Line = {
  name: string;
  kind: "own" | "bar" | "other" | "limit";
  points: readonly Point[];
};
/** Both axes are logarithmic, from one power of ten to another. */
export type Panel = {
  title: string;
  note: string;
  x: { from: number; to: number };
  y: { from: number; to: number };
  lines: readonly Line[];
  dots: readonly Point[];
};

type Chart = { title: string; notes: readonly string[]; label: string; panels: readonly Panel[] };

const LEFT = 70;
const HEAD_HEIGHT = 46;
const PLOT_HEIGHT = 220;
const PANEL_HEAD_HEIGHT = 62;
const PANEL_FOOT_HEIGHT = 34;
const FOOT_HEIGHT = 12;

const STYLE = `${LIGHT}
  .grid { stroke: #d0d7de; }
  .line { fill: none; stroke-width: 2.5; }
  .line.own { fill: none; stroke: #0969da; }
  .line.bar { fill: none; stroke: #59636e; }
  .line.other { fill: none; stroke: #9a6700; }
  .line.limit { stroke: #59636e; stroke-width: 1; }
  .dot { fill: #0969da; }${WRITING}
  .end { text-anchor: end; }
  .middle { text-anchor: middle; }
  @media (prefers-color-scheme: dark) {${DARK}
    .grid { stroke: #3d444d; }
    .line.own { fill: none; stroke: #4493f8; }
    .line.bar { fill: none; stroke: #9198a1; }
    .line.other { fill: none; stroke: #d29922; }
    .line.limit { stroke: #9198a1; }
    .dot { fill: #4493f8; }
  }`;

/** An SVG image as narrow as a phone: panels of lines, one below the other. */
export function lineChart({ title, notes, label, panels }: Chart): string {
  let y = HEAD_HEIGHT + notes.length * LINE_HEIGHT;
  const lines = panels.flatMap((panel) => {
    const top = y;
    y += panelHeight(panel);
    return panelLines(panel, top);
  });
  return image({
    ...{ width: WIDTH, height: y + FOOT_HEIGHT, style: STYLE, label },
    lines: [...heading(title, notes), ...lines],
  });
}

function panelHeight({ lines }: Panel): number {
  return PANEL_HEAD_HEIGHT + PLOT_HEIGHT + PANEL_FOOT_HEIGHT + lines.length * LINE_HEIGHT;
}

function panelLines(panel: Panel, top: number): string[] {
  const { title, note, x, y, lines, dots } = panel;
  const plotTop = top + PANEL_HEAD_HEIGHT;
  const bottom = plotTop + PLOT_HEIGHT;
  const across = (value: number) => LEFT + share(value, x) * (WIDTH - PADDING - LEFT);
  const up = (value: number) => bottom - share(value, y) * PLOT_HEIGHT;
  const place = ([a, b]: Point) => `${across(a).toFixed(1)},${up(b).toFixed(1)}`;
  return [
    text("text name", PADDING, top + 24, title),
    text("quiet", PADDING, top + 46, note),
    ...powersOfTen(y).flatMap((value) => [
      `<path class="grid" d="M${LEFT} ${up(value).toFixed(1)}H${WIDTH - PADDING}"/>`,
      text("quiet end", LEFT - 8, Math.round(up(value)) + 5, shortNumber(value)),
    ]),
    ...powersOfTen(x).map((value) =>
      text(
        `quiet ${value === x.to ? "end" : "middle"}`,
        edge(across(value), value, x),
        bottom + 22,
        shortNumber(value),
      ),
    ),
    ...lines.map(
      ({ kind, points }) =>
        `<polyline class="line ${kind}" ${dashOf(kind)}points="${points.map(place).join(" ")}"/>`,
    ),
    ...dots.map(
      ([a, b]) =>
        `<circle class="dot" cx="${across(a).toFixed(1)}" cy="${up(b).toFixed(1)}" r="4"/>`,
    ),
    ...lines.flatMap(({ name, kind }, row) => {
      const legend = bottom + PANEL_FOOT_HEIGHT + 14 + row * LINE_HEIGHT;
      return [
        `<path class="line ${kind}" ${dashOf(kind)}d="M${PADDING} ${legend - 5}h28"/>`,
        text("text", PADDING + 36, legend, name),
      ];
    }),
  ];
}

/** Lines differ without colours too. */
function dashOf(kind: Line["kind"]): string {
  return { own: "", bar: 'stroke-dasharray="7 4" ', other: 'stroke-dasharray="2 4" ', limit: "" }[
    kind
  ];
}

function edge(at: number, value: number, { to }: Panel["x"]): number {
  return value === to ? WIDTH - PADDING : Math.round(at);
}

/** What is beyond an axis is at its end. */
function share(value: number, { from, to }: Panel["x"]): number {
  return Math.min(1, Math.max(0, Math.log(value / from) / Math.log(to / from)));
}

function powersOfTen({ from, to }: Panel["x"]): number[] {
  const first = Math.round(Math.log10(from));
  const count = Math.round(Math.log10(to)) - first + 1;
  return Array.from({ length: count }, (_, index) => Number(`1e${first + index}`));
}

/** `1k`, `10M`: a number as an axis has it. */
function shortNumber(value: number): string {
  if (value >= 1e6) return `${value / 1e6}M`;
  return value >= 1000 ? `${value / 1000}k` : String(value);
}
