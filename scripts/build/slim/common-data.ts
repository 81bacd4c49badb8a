import { readStruct, sizeOf, writeStruct } from "./struct.ts";
import { frameLength, isZstdFrame } from "./zstd-frame.ts";

// ICU's data is one table of contents and its items
// (https://unicode-org.github.io/icu/userguide/icu_data/#icu-data-file-format, ucmndata.h). ICU looks names
// up by a binary search. Bun compresses most items, each as a zstd frame.

/** ICU's header of data, and the identity of a table of contents: `UDataInfo` in udata.h. */
const HEADER = { headerSize: 2, magic: 2, infoSize: 2, reserved: 2 } as const;
const HEADER_MAGIC = 0x27da;
/** Little-endian, ASCII, two bytes a character, `CmnD`, version 1. */
const IDENTITY = [0, 0, 2, 0, 0x43, 0x6d, 0x6e, 0x44, 1];

const ENTRY = { name: 4, data: 4 } as const;
const COUNT = { count: 4 } as const;
/** ICU reads items as numbers and structures. */
const ALIGNMENT = 16;

const text = { encoder: new TextEncoder(), decoder: new TextDecoder("latin1") };

export type Item = {
  /** Such as `icudt78l/curr/en.res`. */
  name: string;
  /** With what fills it up to the next one. */
  bytes: Uint8Array;
  /** From the start of the table of contents. */
  offset: number;
};

export type CommonData = {
  /** Where the table of contents starts in the file. */
  start: number;
  /** Where the last item ends. */
  end: number;
  items: Item[];
};

/** Finds ICU's data in a file, and reads it. @throws {Error} unless there is exactly one, as expected. */
export function findCommonData(file: Uint8Array): CommonData {
  const buffer = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const [header, ...others] = headersIn(buffer);
  if (header === undefined || others.length > 0) {
    const count = others.length + (header === undefined ? 0 : 1);
    throw new Error(`ICU's data is in it ${count} times, and not once`);
  }
  return readItems(file, header + readStruct(file, header, HEADER).headerSize);
}

function headersIn(file: Buffer): number[] {
  const found: number[] = [];
  const identity = Buffer.from(IDENTITY);
  for (let at = file.indexOf(identity); at >= 0; at = file.indexOf(identity, at + 1)) {
    const start = at - sizeOf(HEADER);
    if (start >= 0 && readStruct(file, start, HEADER).magic === HEADER_MAGIC) found.push(start);
  }
  return found;
}

function readItems(file: Uint8Array, start: number): CommonData {
  const data = file.subarray(start);
  const { count } = readStruct(data, 0, COUNT);
  if (count === 0 || sizeOfTable(count) > data.length) {
    throw new Error(`ICU's data cannot have ${count} items`);
  }
  const entries = Array.from({ length: count }, (_, i) => readStruct(data, sizeOfTable(i), ENTRY));
  const names = entries.map(({ name }) => readName(data, name));
  const end = endOf(data, entries.at(-1)?.data ?? 0);
  const items = entries.map(({ data: offset }, i) => {
    const bytes = data.subarray(offset, entries[i + 1]?.data ?? end);
    return { name: names[i] ?? "", bytes, offset };
  });
  for (const [i, item] of items.entries()) checkItem(item, items[i - 1]);
  return { start, end: start + end, items };
}

function readName(data: Uint8Array, start: number): string {
  const end = data.indexOf(0, start);
  if (end < 0) throw new Error(`the name of ICU's data at ${start} has no end`);
  return text.decoder.decode(data.subarray(start, end));
}

/** The table says where an item starts, and the end of the last one only it knows itself. */
function endOf(data: Uint8Array, last: number): number {
  if (!isZstdFrame(data.subarray(last))) {
    throw new Error("ICU's data is not as expected: its last item is not a zstd frame");
  }
  return last + aligned(frameLength(data.subarray(last)));
}

function checkItem({ name, bytes, offset }: Item, before: Item | undefined): void {
  const wrong = (what: string) => new Error(`ICU's data is not as expected: ${name} ${what}`);
  if (!/^icudt\d+l\//.test(name)) throw wrong("has no such name");
  if (before && before.name >= name) throw wrong(`comes after ${before.name}`);
  if (offset % ALIGNMENT !== 0) throw wrong(`is at ${offset}`);
  if (bytes.length === 0) throw wrong("is empty or overlaps with the next one");
  if (!isZstdFrame(bytes) && readStruct(bytes, 0, HEADER).magic !== HEADER_MAGIC) {
    throw wrong("is neither an item nor a zstd frame");
  }
}

/** The table of contents and the items, from the place on where the table was. */
export function writeCommonData(items: readonly Pick<Item, "name" | "bytes">[]): Uint8Array {
  const names = items.map(({ name }) => text.encoder.encode(`${name}\0`));
  const lengths = items.map(({ bytes }) => bytes.length);
  const nameOffsets = offsetsFrom(
    sizeOfTable(items.length),
    names.map(({ length }) => length),
  );
  const offsets = offsetsFrom(aligned(nameOffsets.end), lengths);
  const data = new Uint8Array(offsets.end);
  writeStruct(data, 0, COUNT, { count: items.length });
  for (const [i, { bytes }] of items.entries()) {
    const [name = 0, at = 0] = [nameOffsets.starts[i], offsets.starts[i]];
    writeStruct(data, sizeOfTable(i), ENTRY, { name, data: at });
    data.set(names[i] ?? [], name);
    data.set(bytes, at);
  }
  return data;
}

function offsetsFrom(start: number, lengths: readonly number[]): { starts: number[]; end: number } {
  let end = start;
  const starts = lengths.map((length) => {
    const at = end;
    end += length;
    return at;
  });
  return { starts, end };
}

function sizeOfTable(count: number): number {
  return sizeOf(COUNT) + count * sizeOf(ENTRY);
}

function aligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}
