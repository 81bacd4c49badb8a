import {
  bar,
  DARK,
  heading,
  image,
  LIGHT,
  LINE_HEIGHT,
  PADDING,
  text,
  WIDTH,
  WRITING,
} from "./svg.ts";

/** `own` is this project's, and stands out; `bare` is a yardstick; `cited` was not measured here. */
export type Kind = "own" | "bar" | "bare" | "cited";
/** Without a value there is a dash. */
export type Bar = { name: string; value: number | undefined; kind: Kind };
export type Panel = { title: string; digits: number; bars: readonly Bar[] };

export type Chart = {
  title: string;
  notes: readonly string[];
  label: string;
  panels: readonly Panel[];
  /** How many panels are side by side. */
  columns?: number;
};

const ROW_HEIGHT = 42;
const BAR_HEIGHT = 16;
const VALUE_WIDTH = 64;
const HEAD_HEIGHT = 36;
const PANEL_HEAD_HEIGHT = 40;
const FOOT_HEIGHT = 24;

/** The chart has its own background, because a page may be light while the system is dark. */
const STYLE = `${LIGHT}
  .bare { fill: #afb8c1; }
  .cited { fill: none; stroke: #8c959f; stroke-dasharray: 3 2; }${WRITING}
  @media (prefers-color-scheme: dark) {${DARK}
    .bare { fill: #3d444d; }
    .cited { stroke: #9198a1; }
  }`;

/** An SVG image as narrow as a phone: panels of bars, each with its own scale. */
export function barChart({ title, notes, label, panels, columns = 1 }: Chart): string {
  const width = (WIDTH - PADDING) / columns;
  let y = HEAD_HEIGHT + notes.length * LINE_HEIGHT;
  const lines: string[] = [];
  for (let first = 0; first < panels.length; first += columns) {
    const row = panels.slice(first, first + columns);
    const place = (column: number) => ({ x: PADDING + column * width, y, width: width - PADDING });
    lines.push(...row.flatMap((panel, column) => panelLines(panel, place(column))));
    y += PANEL_HEAD_HEIGHT + Math.max(...row.map(({ bars }) => bars.length)) * ROW_HEIGHT;
  }
  return image({
    ...{ width: WIDTH, height: y + FOOT_HEIGHT, style: STYLE, label },
    lines: [...heading(title, notes), ...lines],
  });
}

type Place = { x: number; y: number; width: number };

function panelLines({ title, digits, bars }: Panel, { x, y, width }: Place): string[] {
  const most = Math.max(...bars.map(({ value }) => value ?? 0));
  const scale = (width - VALUE_WIDTH) / most;
  return [
    text("text name", x, y + 26, title),
    ...bars.flatMap(({ name, value, kind }, row) => {
      const top = y + PANEL_HEAD_HEIGHT + row * ROW_HEIGHT;
      const named = text(kind === "own" ? "text name" : "text", x, top + 8, name);
      if (value === undefined) return [named, text("quiet", x, top + 27, "–")];
      const length = Math.max(1, value * scale);
      return [
        named,
        bar(kind, { x, y: top + 14, width: length, height: BAR_HEIGHT }),
        text("text", x + Math.round(length) + 6, top + 27, value.toFixed(digits)),
      ];
    }),
  ];
}
