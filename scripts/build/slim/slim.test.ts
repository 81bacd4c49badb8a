import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCommonData } from "./common-data.ts";
import { type Elf, loadedSegments, readElf, SEGMENT_TYPE } from "./elf.ts";
import { cutOut, type Range } from "./hole.ts";
import {
  FIRST_ADDRESS,
  ITEMS,
  madeUpExecutable,
  memoryOf,
  PAGE,
  TABLE,
  VARIABLES,
  withHeaders,
} from "./made-up.ts";
import { slim, slimExecutable } from "./slim.ts";

const NONE = new Set<string>();

describe("an executable without other languages", () => {
  const whole = madeUpExecutable();
  const slimmed = slim(whole, NONE);
  const memory = memoryOf(whole);
  const slimMemory = memoryOf(slimmed);
  const { start, end } = findCommonData(whole);
  const isData = (address: number) =>
    address >= FIRST_ADDRESS + start && address < FIRST_ADDRESS + end;

  test("is smaller by whole pages, and has one more section", () => {
    expect(slimmed.length).toBe(whole.length - 3 * PAGE + 64);
    expect(slimMemory.size).toBe(memory.size - 3 * PAGE);
  });

  test("is the same each time, and leaves the original as it was", () => {
    expect(slim(whole, NONE)).toEqual(slimmed);
    expect(whole).toEqual(madeUpExecutable());
  });

  test("has the items of English and of no language, unchanged", () => {
    const items = findCommonData(slimmed).items.map(({ name, bytes }) => ({ name, bytes }));
    expect(items).toEqual(ITEMS.filter(({ name }) => /en\.res|nfkc/.test(name)));
  });

  test("has everything else at the same address", () => {
    const headers = 64 + 5 * 56;
    const changed = [...memory].filter(
      ([address, byte]) => !isData(address) && slimMemory.get(address) !== byte,
    );
    expect(changed.every(([address]) => address < FIRST_ADDRESS + headers)).toBe(true);
    expect([...memory.keys()].filter((address) => !slimMemory.has(address)).every(isData)).toBe(
      true,
    );
  });

  test("has a segment more in the place of the note, and each page where the kernel can map it", () => {
    const types = ({ segments }: Elf) => segments.map(({ type }) => type);
    const note = types(readElf(whole)).indexOf(SEGMENT_TYPE.note);
    const expected = [SEGMENT_TYPE.load, ...types(readElf(whole)).toSpliced(note, 1)];
    expect(types(readElf(slimmed))).toEqual(expected);
    for (const { address, offset } of loadedSegments(readElf(slimmed))) {
      expect((address - offset) % PAGE).toBe(0);
    }
  });

  test("has sections for the same bytes as before", () => {
    const inMemory = (file: Uint8Array) =>
      readElf(file).sections.filter(({ address }) => address !== 0);
    for (const { offset, address, size, type } of inMemory(slimmed)) {
      if (type !== 1) continue;
      const bytes = [...slimmed.subarray(offset, offset + size)];
      expect(bytes.every((byte, i) => slimMemory.get(address + i) === byte)).toBe(true);
    }
    const total = (file: Uint8Array) => inMemory(file).reduce((sum, { size }) => sum + size, 0);
    expect(total(slimmed)).toBe(total(whole) - 3 * PAGE);
  });

  test("has also the languages that are to be kept, with their words", () => {
    const names = findCommonData(slim(whole, new Set(["th", "zu"]))).items.map(({ name }) => name);
    expect(names).toEqual([
      "icudt78l/brkitr/thaidict.dict",
      "icudt78l/en.res",
      "icudt78l/nfkc.nrm",
      "icudt78l/zu.res",
    ]);
  });
});

/** With other bytes at a place. */
function withBytes(at: number, ...bytes: number[]): Uint8Array {
  const file = madeUpExecutable();
  file.set(bytes, at);
  return file;
}

/** With one field of an entry of ICU's table changed to that of another one, plus a number. */
function withEntry(to: number, from: number, field: "name" | "data", plus = 0): Uint8Array {
  const file = madeUpExecutable();
  const view = new DataView(file.buffer);
  const place = (i: number) => TABLE + 4 + i * 8 + (field === "name" ? 0 : 4);
  view.setUint32(place(to), view.getUint32(place(from), true) + plus, true);
  return file;
}

function change<Part>(parts: Part[], index: number, fields: Partial<Part>): void {
  Object.assign(parts[index] ?? {}, fields);
}

const { items, end } = findCommonData(madeUpExecutable());
const place = (index: number) => TABLE + (items[index]?.offset ?? 0);
const copyOfHeader = madeUpExecutable().subarray(PAGE, PAGE + 32);
const addressOfItem = FIRST_ADDRESS + place(1);

const REFUSED: [string, Uint8Array, string][] = [
  ["is something else", withBytes(4, 1), "it is not a 64-bit little-endian ELF file"],
  ["is too short", madeUpExecutable().subarray(0, 60), "it is not a 64-bit little-endian ELF file"],
  [
    "has other headers of segments",
    withHeaders(madeUpExecutable(), ({ header }) =>
      Object.assign(header, { segmentHeaderSize: 32 }),
    ),
    "the table of segments is not as expected: 5 entries of 32 bytes at 64",
  ],
  [
    "has a table of sections that is cut off",
    madeUpExecutable().subarray(0, -1),
    "the table of sections is not as expected",
  ],
  [
    "has something after the sections",
    new Uint8Array([...madeUpExecutable(), 0]),
    "the table of sections ends at",
  ],
  [
    "has no note",
    withHeaders(madeUpExecutable(), ({ segments }) => change(segments, 3, { type: 0x6474e553 })),
    "it has 0 segments of type 4",
  ],
  [
    "has segments for different pages",
    withHeaders(madeUpExecutable(), ({ segments }) => change(segments, 1, { alignment: 2 * PAGE })),
    "the segments are not all aligned to one size of a page",
  ],
  [
    "has a segment that the kernel cannot map",
    withHeaders(madeUpExecutable(), ({ segments }) =>
      change(segments, 0, { address: FIRST_ADDRESS + 16 }),
    ),
    "does not consist of whole pages of 4096 bytes",
  ],
  [
    "has ICU's data in no segment",
    withHeaders(madeUpExecutable(), ({ segments }) =>
      change(segments, 0, { size: PAGE, memorySize: PAGE }),
    ),
    "no segment holds all of the range",
  ],
  [
    "has ICU's data in a segment that can be written",
    withHeaders(madeUpExecutable(), ({ segments }) => change(segments, 0, { flags: 6 })),
    "is not read-only",
  ],
  [
    "has another segment in the middle of ICU's data",
    withHeaders(madeUpExecutable(), ({ segments }) =>
      change(segments, 4, { offset: 3 * PAGE, size: 1 }),
    ),
    "overlaps with the range",
  ],
  [
    "has ICU's data in no section",
    withHeaders(madeUpExecutable(), ({ sections }) => change(sections, 1, { size: 16 })),
    "lies in 0 sections, and not in one",
  ],
  ["has no data of ICU", withBytes(PAGE + 12, 0x44), "ICU's data is in it 0 times, and not once"],
  [
    "has data of ICU twice",
    withBytes(VARIABLES.offset, ...copyOfHeader),
    "ICU's data is in it 2 times, and not once",
  ],
  ["has no items", withBytes(TABLE, 0, 0, 0, 0), "ICU's data cannot have 0 items"],
  ["has too many items", withBytes(TABLE + 3, 0xff), "ICU's data cannot have 4278190086 items"],
  [
    "has items in another order",
    withEntry(1, 0, "name"),
    "icudt78l/brkitr/thaidict.dict comes after icudt78l/brkitr/thaidict.dict",
  ],
  ["has other names", withEntry(1, 1, "name", 1), "cudt78l/curr/de.res has no such name"],
  [
    "has an item at an odd place",
    withEntry(1, 1, "data", 8),
    `icudt78l/curr/de.res is at ${(items[1]?.offset ?? 0) + 8}`,
  ],
  [
    "has an item without bytes",
    withEntry(1, 2, "data"),
    "icudt78l/curr/de.res is empty or overlaps with the next one",
  ],
  [
    "has an item of another kind",
    withBytes(place(1), 0),
    "icudt78l/curr/de.res is neither an item nor a zstd frame",
  ],
  ["has a last item of another kind", withBytes(place(5), 0), "its last item is not a zstd frame"],
  [
    "has the address of an item elsewhere",
    withBytes(
      VARIABLES.offset + 8,
      ...new Uint8Array(BigUint64Array.of(BigInt(addressOfItem)).buffer),
    ),
    `the word at ${VARIABLES.offset + 8} is the address of icudt78l/curr/de.res`,
  ],
];

describe("an executable is refused that", () => {
  for (const [what, file, message] of REFUSED) {
    test(what, () => {
      expect(() => slim(file, NONE)).toThrow(message);
      expect(() => slim(file, NONE)).toThrow("SLIM=false leaves it whole");
    });
  }
});

describe("languages are refused that", () => {
  test("ICU does not have", () => {
    const message = "ICU has no language xx, of KEEP_LOCALES (it has de, en, th, zu)";
    expect(() => slim(madeUpExecutable(), new Set(["de", "xx"]))).toThrow(message);
  });

  test("leave nothing to remove", () => {
    const message = "it has less than a page of other languages";
    expect(() => slim(madeUpExecutable(), new Set(["de", "th", "zu"]))).toThrow(message);
  });
});

test("a hole has to consist of whole pages", () => {
  const hole: Range = { start: 2 * PAGE, end: end - 1 };
  expect(() => cutOut(madeUpExecutable(), hole)).toThrow("does not consist of whole pages");
});

describe("the file of an executable", () => {
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "thimble-slim-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test("is replaced, and can still be executed", async () => {
    const path = join(directory, "program");
    writeFileSync(path, madeUpExecutable(), { mode: 0o755 });
    await slimExecutable(path, NONE);
    expect(slim(madeUpExecutable(), NONE)).toEqual(new Uint8Array(readFileSync(path)));
    expect(statSync(path).mode & 0o777).toBe(0o755);
    expect(readdirSync(directory)).toEqual(["program"]);
  });

  test("stays if it is refused", async () => {
    const path = join(directory, "program");
    writeFileSync(path, "#!/bin/sh");
    expect(slimExecutable(path, NONE)).rejects.toThrow("is not a 64-bit little-endian ELF file");
    expect(readFileSync(path, "utf8")).toBe("#!/bin/sh");
    expect(readdirSync(directory)).toEqual(["program"]);
  });
});
