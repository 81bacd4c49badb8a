import { SERVICE, YARDSTICK } from "./contenders.ts";
import type { Results } from "./results.ts";
import type { Measurement } from "./rounds.ts";
import { bar, DARK, image, LIGHT, text } from "./svg.ts";

const WIDTH = 400;
const PADDING = 16;
const ROW_HEIGHT = 42;
const BAR_HEIGHT = 16;
const VALUE_WIDTH = 64;
const HEAD_HEIGHT = 76;
const PANEL_HEAD_HEIGHT = 40;
const FOOT_HEIGHT = 24;

/** The chart has its own background, because a page may be light while the system is dark. */
const STYLE = `${LIGHT}
  .bare { fill: #afb8c1; }
  text { font: 15px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  .title { font-size: 18px; font-weight: 600; }
  .name { font-weight: 600; }
  @media (prefers-color-scheme: dark) {${DARK}
    .bare { fill: #3d444d; }
  }`;

/** An SVG image as narrow as a phone: CPU time for each request that peers answer too. */
export function chart({ workloads }: Results): string {
  const panels = workloads.filter(({ measurements }) => measurements.length > 2);
  let y = HEAD_HEIGHT;
  const lines = panels.flatMap(({ title, measurements }) => {
    const top = y;
    y += PANEL_HEAD_HEIGHT + measurements.length * ROW_HEIGHT;
    return panel(title, measurements, top);
  });
  const height = y + FOOT_HEIGHT;
  return image({
    ...{ width: WIDTH, height, style: STYLE },
    label: "CPU time for a request, of the service and of others",
    lines: [
      text("text title", PADDING, 34, "CPU time for a request, µs"),
      text("quiet", PADDING, 58, "The same answers. Shorter is better."),
      ...lines,
    ],
  });
}

function panel(title: string, measurements: readonly Measurement[], top: number): string[] {
  const sorted = measurements.toSorted((a, b) => a.microseconds.median - b.microseconds.median);
  const most = sorted.at(-1)?.microseconds.median ?? 1;
  const scale = (WIDTH - 2 * PADDING - VALUE_WIDTH) / most;
  return [
    text("text name", PADDING, top + 22, title),
    ...sorted.flatMap(({ contender, microseconds }, row) => {
      const y = top + PANEL_HEAD_HEIGHT + row * ROW_HEIGHT;
      const width = Math.max(1, microseconds.median * scale);
      return [
        text(contender === SERVICE ? "text name" : "text", PADDING, y + 8, contender),
        bar(kindOf(contender), { x: PADDING, y: y + 14, width, height: BAR_HEIGHT }),
        text("text", PADDING + Math.round(width) + 6, y + 27, microseconds.median.toFixed(1)),
      ];
    }),
  ];
}

function kindOf(contender: string): string {
  if (contender === SERVICE) return "own";
  return contender === YARDSTICK ? "bare" : "bar";
}
