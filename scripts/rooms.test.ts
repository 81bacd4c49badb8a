import { expect, test } from "bun:test";
import { join } from "node:path";
import { directUses, drawRooms, levelsOf, PICTURE, readRooms } from "./rooms.ts";

const rooms = (uses: Record<string, string[]>) =>
  new Map(Object.entries(uses).map(([room, used]) => [room, new Set(used)]));

test("the picture is that of the imports (else run `bun scripts/rooms.ts`)", async () => {
  const drawn = drawRooms(await readRooms(join(import.meta.dir, "../src")));
  expect(await Bun.file(PICTURE).text()).toBe(drawn);
});

test("rooms that use each other are refused by name", () => {
  expect(() => levelsOf(rooms({ a: ["b"], b: ["c"], c: ["a"] }))).toThrow("a -> b -> c -> a");
});

test("a room is above all that it uses", () => {
  expect(levelsOf(rooms({ a: ["b", "c"], b: ["c"], c: [] }))).toEqual(
    new Map([
      ["c", 0],
      ["b", 1],
      ["a", 2],
    ]),
  );
});

test("an arrow that others lead around is left out", () => {
  expect(directUses(rooms({ a: ["b", "c"], b: ["c"], c: [] }))).toEqual([
    ["a", "b"],
    ["b", "c"],
  ]);
});
