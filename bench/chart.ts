import { SERVICE, YARDSTICK } from "./contenders.ts";
import type { Results } from "./results.ts";
import type { Measurement } from "./rounds.ts";

const WIDTH = 400;
const PADDING = 16;
const ROW_HEIGHT = 42;
const BAR_HEIGHT = 16;
const VALUE_WIDTH = 64;
const HEAD_HEIGHT = 76;
const PANEL_HEAD_HEIGHT = 40;
const FOOT_HEIGHT = 24;

/** The chart has its own background, because a page may be light while the system is dark. */
const STYLE = `
  .paper { fill: #ffffff; stroke: #d0d7de; }
  .text { fill: #1f2328; }
  .quiet { fill: #59636e; }
  .bar { fill: #8c959f; }
  .own { fill: #0969da; }
  .bare { fill: #afb8c1; }
  text { font: 15px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  .title { font-size: 18px; font-weight: 600; }
  .name { font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; stroke: #3d444d; }
    .text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .bar { fill: #656c76; }
    .own { fill: #4493f8; }
    .bare { fill: #3d444d; }
  }`;

/** CPU time of the requests that peers answer too, as an SVG image that is as narrow as a phone. */
export function chart({ workloads }: Results): string {
  const panels = workloads.filter(({ measurements }) => measurements.length > 2);
  let y = HEAD_HEIGHT;
  const lines = panels.flatMap(({ title, measurements }) => {
    const top = y;
    y += PANEL_HEAD_HEIGHT + measurements.length * ROW_HEIGHT;
    return panel(title, measurements, top);
  });
  const height = y + FOOT_HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="CPU time for a request, of the service and of others">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="paper" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    text("text title", PADDING, 34, "CPU time for a request, µs"),
    text("quiet", PADDING, 58, "The same answers. Shorter is better."),
    ...lines,
    "</svg>\n",
  ].join("\n");
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
        `<rect class="${kindOf(contender)}" x="${PADDING}" y="${y + 14}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}"/>`,
        text("text", PADDING + Math.round(width) + 6, y + 27, microseconds.median.toFixed(1)),
      ];
    }),
  ];
}

function kindOf(contender: string): string {
  if (contender === SERVICE) return "own";
  return contender === YARDSTICK ? "bare" : "bar";
}

function text(kind: string, x: number, y: number, content: string): string {
  return `<text class="${kind}" x="${x}" y="${y}">${Bun.escapeHTML(content)}</text>`;
}
