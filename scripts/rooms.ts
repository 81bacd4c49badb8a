// Draws the rooms of `src` from its imports, so that the picture stays true:
//
//   bun scripts/rooms.ts     writes docs/rooms.svg
import { join, relative } from "node:path";
import { runMain } from "./shell/main.ts";

const ROOT = join(import.meta.dir, "..");
export const PICTURE = join(ROOT, "docs/rooms.svg");

/** The three rings, from the inside: a room may use rooms of its own ring and of those inside it. */
const RINGS: { title: string; rooms: (room: string) => boolean }[] = [
  {
    title: "portable: names no runtime",
    rooms: (room) => !["server", "transfer", "cli", "adapters"].includes(room),
  },
  {
    title: "process: node:* of Bun, Node and Deno",
    rooms: (room) => ["server", "transfer", "cli"].includes(room),
  },
  { title: "adapters: one runtime each", rooms: (room) => room === "adapters" },
];

/** The rooms that a room uses, by name. A file at the root of `src` is a room too. */
export type Rooms = ReadonlyMap<string, ReadonlySet<string>>;

/** Reads the rooms from the imports of every file but tests. */
export async function readRooms(source: string): Promise<Rooms> {
  const rooms = new Map<string, Set<string>>();
  for await (const path of new Bun.Glob("**/*.ts").scan(source)) {
    if (/\.(test|d)\.ts$/.test(path)) continue;
    const from = roomOf(path);
    const used = rooms.get(from) ?? new Set();
    rooms.set(from, used);
    const text = await Bun.file(join(source, path)).text();
    for (const [, target = ""] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+\.ts)"/g)) {
      const to = roomOf(relative(source, join(source, path, "..", target)));
      if (to !== from && !to.startsWith("..")) used.add(to);
    }
  }
  return rooms;
}

function roomOf(path: string): string {
  return path.split("/")[0]?.replace(/\.ts$/, "") ?? path;
}

/**
 * The number of steps from a room down to one that uses no other.
 *
 * @throws {Error} that names the rooms of a circle.
 */
export function levelsOf(rooms: Rooms): Map<string, number> {
  const levels = new Map<string, number>();
  const visit = (room: string, path: readonly string[]): number => {
    if (path.includes(room)) throw new Error(`a circle: ${[...path, room].join(" -> ")}`);
    const known = levels.get(room);
    if (known !== undefined) return known;
    const below = [...(rooms.get(room) ?? [])].map((used) => visit(used, [...path, room]) + 1);
    const level = Math.max(0, ...below);
    levels.set(room, level);
    return level;
  };
  for (const room of [...rooms.keys()].sort()) visit(room, []);
  return levels;
}

/** The arrows without those that other arrows lead around: a picture of all of them shows nothing. */
export function directUses(rooms: Rooms): [from: string, to: string][] {
  const reaches = (from: string, to: string): boolean =>
    [...(rooms.get(from) ?? [])].some((next) => next === to || reaches(next, to));
  return [...rooms].flatMap(([from, used]) =>
    [...used]
      .filter((to) => ![...used].some((other) => other !== to && reaches(other, to)))
      .map((to): [string, string] => [from, to]),
  );
}

const BOX = { width: 104, height: 34, gapX: 22, gapY: 42 };
const PADDING = 26;
const WIDTH = 780;

type Place = { x: number; y: number };

/** Draws the rooms: outer rings on top, and within a ring each room above those that it uses. */
export function drawRooms(rooms: Rooms): string {
  const levels = levelsOf(rooms);
  const places = new Map<string, Place>();
  const bands: string[] = [];
  let y = 10;
  for (const { title, rooms: belongs } of [...RINGS].reverse()) {
    const members = [...rooms.keys()].filter(belongs);
    const rows = [...new Set(members.map((room) => levels.get(room) ?? 0))].sort((a, b) => b - a);
    const top = y;
    y += PADDING + 6;
    for (const level of rows) {
      const row = members.filter((room) => levels.get(room) === level).sort();
      const width = row.length * (BOX.width + BOX.gapX) - BOX.gapX;
      row.forEach((room, index) => {
        places.set(room, { x: (WIDTH - width) / 2 + index * (BOX.width + BOX.gapX), y });
      });
      y += BOX.height + BOX.gapY;
    }
    y -= BOX.gapY - 14;
    bands.push(
      `<rect class="ring" x="8" y="${top}" width="${WIDTH - 16}" height="${y - top}" rx="8"/>`,
      `<text class="title" x="22" y="${top + 21}">${title}</text>`,
    );
    y += 16;
  }
  const arrows = directUses(rooms).map(([from, to]) => arrow(places.get(from), places.get(to)));
  const boxes = [...places].map(([room, place]) => box(room, place));
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="system-ui, sans-serif" role="img" aria-label="The rooms of src and which use which">`,
    STYLE,
    ...bands,
    ...arrows,
    ...boxes,
    "</svg>",
  ].join("\n")}\n`;
}

const STYLE = `<style>
.ring { fill: none; stroke: #8c959f; stroke-dasharray: 4 4 }
.title { font-size: 13px; fill: #59636e }
.room { fill: #ddf4ff; stroke: #0969da }
.name { font-size: 14px; fill: #1f2328; text-anchor: middle }
.use { fill: none; stroke: #8c959f; stroke-width: 1.2 }
.head { fill: #8c959f }
@media (prefers-color-scheme: dark) {
.title { fill: #9198a1 }
.room { fill: #0c2d6b; stroke: #58a6ff }
.name { fill: #f0f6fc }
}
</style>`;

function box(room: string, { x, y }: Place): string {
  const { width, height } = BOX;
  return (
    `<rect class="room" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>` +
    `<text class="name" x="${x + width / 2}" y="${y + 22}">${room}</text>`
  );
}

function arrow(from: Place | undefined, to: Place | undefined): string {
  if (!from || !to) return "";
  const [x1, y1] = [from.x + BOX.width / 2, from.y + BOX.height];
  const [x2, y2] = [to.x + BOX.width / 2, to.y - 6];
  const middle = (y1 + y2) / 2;
  // Past the rooms in between, not below them.
  const isLong = y2 - y1 > BOX.gapY + BOX.height;
  const side = isLong ? (x2 < WIDTH / 2 ? -1 : 1) * (BOX.width + BOX.gapX) : 0;
  const head = `M${x2 - 4} ${y2}L${x2 + 4} ${y2}L${x2} ${y2 + 6}Z`;
  return `<path class="use" d="M${x1} ${y1}C${x1 + side} ${middle} ${x2 + side} ${middle} ${x2} ${y2}"/><path class="head" d="${head}"/>`;
}

if (import.meta.main) {
  await runMain(async () => {
    await Bun.write(PICTURE, drawRooms(await readRooms(join(ROOT, "src"))));
    console.log("docs/rooms.svg");
  });
}
