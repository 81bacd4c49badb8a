import { bar, DARK, image, LIGHT, text } from "./svg.ts";

/** `own` is this project's, and stands out; `bare` is a yardstick; `cited` was not measured here. */
export type Kind = "own" | "bar" | "bare" | "cited";
/** Without a value there is a dash. */
export type Bar = { name: string; value: number | undefined; kind: Kind };
export type Panel = { title: string; digits: number; bars: readonly Bar[] };

type Chart = { title: string; notes: readonly string[]; label: string; panels: readonly Panel[] };

const WIDTH = 400;
const PADDING = 16;
const LINE_HEIGHT = 22;
const ROW_HEIGHT = 42;
const BAR_HEIGHT = 16;
const VALUE_WIDTH = 64;
const HEAD_HEIGHT = 36;
const PANEL_HEAD_HEIGHT = 40;
const FOOT_HEIGHT = 24;

/** The chart has its own background, because a page may be light while the system is dark. */
const STYLE = `${LIGHT}
  .bare { fill: #afb8c1; }
  .cited { fill: none; stroke: #8c959f; stroke-dasharray: 3 2; }
  text { font: 15px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  .title { font-size: 18px; font-weight: 600; }
  .name { font-weight: 600; }
  @media (prefers-color-scheme: dark) {${DARK}
    .bare { fill: #3d444d; }
    .cited { stroke: #9198a1; }
  }`;

/** An SVG image as narrow as a phone: panels of bars, one below the other, each with its own scale. */
export function barChart({ title, notes, label, panels }: Chart): string {
  let y = HEAD_HEIGHT + notes.length * LINE_HEIGHT;
  const lines = panels.flatMap((panel) => {
    const top = y;
    y += PANEL_HEAD_HEIGHT + panel.bars.length * ROW_HEIGHT;
    return panelLines(panel, top);
  });
  return image({
    ...{ width: WIDTH, height: y + FOOT_HEIGHT, style: STYLE, label },
    lines: [
      text("text title", PADDING, 34, title),
      ...notes.map((note, row) => text("quiet", PADDING, 58 + row * LINE_HEIGHT, note)),
      ...lines,
    ],
  });
}

function panelLines({ title, digits, bars }: Panel, top: number): string[] {
  const most = Math.max(...bars.map(({ value }) => value ?? 0));
  const scale = (WIDTH - 2 * PADDING - VALUE_WIDTH) / most;
  return [
    text("text name", PADDING, top + 26, title),
    ...bars.flatMap(({ name, value, kind }, row) => {
      const y = top + PANEL_HEAD_HEIGHT + row * ROW_HEIGHT;
      const named = text(kind === "own" ? "text name" : "text", PADDING, y + 8, name);
      if (value === undefined) return [named, text("quiet", PADDING, y + 27, "–")];
      const width = Math.max(1, value * scale);
      return [
        named,
        bar(kind, { x: PADDING, y: y + 14, width, height: BAR_HEIGHT }),
        text("text", PADDING + Math.round(width) + 6, y + 27, value.toFixed(digits)),
      ];
    }),
  ];
}
