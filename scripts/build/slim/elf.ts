import { readStruct, type Struct, sizeOf, writeStruct } from "./struct.ts";

// The format is https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html, with the names spelt out.

const IDENT_SIZE = 16;
/** The magic number, 64 bits, little-endian, version 1. */
const IDENT = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1];

const FILE_HEADER = {
  type: 2,
  machine: 2,
  version: 4,
  entry: 8,
  segmentTable: 8,
  sectionTable: 8,
  flags: 4,
  headerSize: 2,
  segmentHeaderSize: 2,
  segmentCount: 2,
  sectionHeaderSize: 2,
  sectionCount: 2,
  sectionNames: 2,
} as const;

const SEGMENT = {
  type: 4,
  flags: 4,
  offset: 8,
  address: 8,
  physicalAddress: 8,
  size: 8,
  memorySize: 8,
  alignment: 8,
} as const;

const SECTION = {
  name: 4,
  type: 4,
  flags: 8,
  address: 8,
  offset: 8,
  size: 8,
  link: 4,
  info: 4,
  alignment: 8,
  entrySize: 8,
} as const;

export const SEGMENT_TYPE = { load: 1, dynamic: 2, interpreter: 3, note: 4, table: 6 } as const;
export const SEGMENT_FLAG = { execute: 1, write: 2 } as const;
export const SECTION_FLAG = { write: 1, memory: 2 } as const;
/** A section that takes memory, and nothing of the file. */
export const SECTION_WITHOUT_BYTES = 8;

export const SECTION_HEADER_SIZE = sizeOf(SECTION);

/** What the kernel maps or reads: bytes of the file, and where they are in memory. */
export type Segment = Struct<typeof SEGMENT>;
/** What tools read: a named part of the file. */
export type Section = Struct<typeof SECTION>;

export type Elf = {
  header: Struct<typeof FILE_HEADER>;
  segments: Segment[];
  sections: Section[];
};

/** Reads the headers of a 64-bit little-endian ELF file. @throws {Error} if it is none. */
export function readElf(file: Uint8Array): Elf {
  if (file.length < IDENT_SIZE + sizeOf(FILE_HEADER) || IDENT.some((byte, i) => file[i] !== byte)) {
    throw new Error("it is not a 64-bit little-endian ELF file");
  }
  const header = readStruct(file, IDENT_SIZE, FILE_HEADER);
  const { segmentTable, segmentCount, sectionTable, sectionCount } = header;
  checkTable(file, "segments", segmentTable, segmentCount, header.segmentHeaderSize, SEGMENT);
  checkTable(file, "sections", sectionTable, sectionCount, header.sectionHeaderSize, SECTION);
  return {
    header,
    segments: Array.from({ length: segmentCount }, (_, i) =>
      readStruct(file, segmentTable + i * sizeOf(SEGMENT), SEGMENT),
    ),
    sections: Array.from({ length: sectionCount }, (_, i) =>
      readStruct(file, sectionTable + i * sizeOf(SECTION), SECTION),
    ),
  };
}

/** What the kernel maps. */
export function loadedSegments({ segments }: Elf): Segment[] {
  return segments.filter(({ type }) => type === SEGMENT_TYPE.load);
}

/** Writes the headers into a file that has room for them, at the places that the file header names. */
export function writeElf(file: Uint8Array, { header, segments, sections }: Elf): void {
  const counts = { segmentCount: segments.length, sectionCount: sections.length };
  writeStruct(file, IDENT_SIZE, FILE_HEADER, { ...header, ...counts });
  for (const [i, segment] of segments.entries()) {
    writeStruct(file, header.segmentTable + i * sizeOf(SEGMENT), SEGMENT, segment);
  }
  for (const [i, section] of sections.entries()) {
    writeStruct(file, header.sectionTable + i * sizeOf(SECTION), SECTION, section);
  }
}

function checkTable(
  file: Uint8Array,
  what: string,
  start: number,
  count: number,
  entrySize: number,
  layout: typeof SEGMENT | typeof SECTION,
): void {
  if (entrySize !== sizeOf(layout) || start + count * entrySize > file.length) {
    const received = `${count} entries of ${entrySize} bytes at ${start}`;
    throw new Error(`the table of ${what} is not as expected: ${received}`);
  }
}
