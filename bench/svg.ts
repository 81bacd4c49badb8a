/** Colours that charts share, for a light page. */
export const LIGHT = `
  .paper { fill: #ffffff; stroke: #d0d7de; }
  .text { fill: #1f2328; }
  .quiet { fill: #59636e; }
  .bar { fill: #8c959f; }
  .own { fill: #0969da; }`;

/** The same for a dark page, within a media query. */
export const DARK = `
    .paper { fill: #0d1117; stroke: #3d444d; }
    .text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .bar { fill: #656c76; }
    .own { fill: #4493f8; }`;

/** How charts write: text, titles, and names that stand out. */
export const WRITING = `
  text { font: 15px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  .title { font-size: 18px; font-weight: 600; }
  .name { font-weight: 600; }`;

/** As narrow as a phone. */
export const WIDTH = 400;
export const PADDING = 16;
export const LINE_HEIGHT = 22;

/** A chart's title, and its notes below. */
export function heading(title: string, notes: readonly string[]): string[] {
  return [
    text("text title", PADDING, 34, title),
    ...notes.map((note, row) => text("quiet", PADDING, 58 + row * LINE_HEIGHT, note)),
  ];
}

type Image = {
  width: number;
  height: number;
  /** Says what the image shows to those who cannot see it. */
  label: string;
  style: string;
  lines: readonly string[];
};

/** An SVG image on a paper with round corners. */
export function image({ width, height, label, style, lines }: Image): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${label}">`,
    `<style>${style}\n</style>`,
    `<rect class="paper" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...lines,
    "</svg>\n",
  ].join("\n");
}

/** A line of text whose baseline begins at a point. */
export function text(kind: string, x: number, y: number, content: string): string {
  return `<text class="${kind}" x="${x}" y="${y}">${Bun.escapeHTML(content)}</text>`;
}

type Bar = { x: number; y: number; width: number; height: number };

/** A bar to the right. */
export function bar(kind: string, { x, y, width, height }: Bar): string {
  return `<rect class="${kind}" x="${x}" y="${y}" width="${width.toFixed(1)}" height="${height}"/>`;
}
