import { writeCommonData } from "./common-data.ts";
import {
  type Elf,
  loadedSegments,
  readElf,
  SECTION_FLAG,
  SECTION_WITHOUT_BYTES,
  SEGMENT_TYPE,
  writeElf,
} from "./elf.ts";

/** A small executable for tests, with data of ICU in its first segment. It cannot run. */

export const PAGE = 4096;
/** Of the first byte of the file. */
export const FIRST_ADDRESS = 0x20_0000;
/** Where ICU's data begins: with its header, and the table of contents after that. */
const DATA = PAGE;
const DATA_HEADER_SIZE = 32;
/** The second segment, whose addresses begin after a gap, as those of a linker do. */
const CODE = { offset: 8 * PAGE, address: FIRST_ADDRESS + 9 * PAGE };
export const VARIABLES = { offset: 9 * PAGE, address: FIRST_ADDRESS + 12 * PAGE };
const SECTIONS = 10 * PAGE;

export const TABLE = DATA + DATA_HEADER_SIZE;

/** A zstd frame of one block, which is not compressed. */
export function rawFrame(content: Uint8Array): Uint8Array {
  const size = content.length;
  const block = (size << 3) | 1;
  const sizes = [size, size >> 8, size >> 16, size >> 24, block, block >> 8, block >> 16];
  return Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0, ...sizes, ...content);
}

/** A frame that is filled up to a multiple of 16 bytes, as in Bun's data. */
function item(name: string, size: number): { name: string; bytes: Uint8Array } {
  const frame = rawFrame(new Uint8Array(size).fill(name.length + size));
  const bytes = new Uint8Array(Math.ceil(frame.length / 16) * 16).fill(0xaa);
  bytes.set(frame);
  return { name: `icudt78l/${name}`, bytes };
}

export const ITEMS = [
  item("brkitr/thaidict.dict", PAGE),
  item("curr/de.res", PAGE),
  item("de.res", 2 * PAGE),
  item("en.res", 100),
  item("nfkc.nrm", 200),
  item("zu.res", 300),
];

export function madeUpExecutable(): Uint8Array<ArrayBuffer> {
  const sections = [
    section({ type: 0, size: 0 }),
    section({ offset: DATA, address: FIRST_ADDRESS + DATA, size: 6 * PAGE }),
    section({ ...CODE, size: PAGE }),
    section({ ...VARIABLES, size: 64 }),
    section({ ...VARIABLES, type: SECTION_WITHOUT_BYTES, size: 20 * PAGE }),
  ];
  const file = new Uint8Array(SECTIONS + sections.length * 64);
  for (const [i] of file.entries()) file[i] = i % 251;
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.set(
    [DATA_HEADER_SIZE, 0, 0xda, 0x27, 20, 0, 0, 0, 0, 0, 2, 0, 0x43, 0x6d, 0x6e, 0x44, 1],
    DATA,
  );
  file.set(writeCommonData(ITEMS), TABLE);
  writeElf(file, { header: HEADER, segments: SEGMENTS, sections });
  return file;
}

/** The addresses of its variables, and of the service after them. */
export const SERVICE = {
  offset: VARIABLES.offset + 20 * PAGE,
  address: VARIABLES.address + 20 * PAGE,
};

/** One with a service after its variables, and zeros in their place. */
export function madeUpService(): Uint8Array<ArrayBuffer> {
  const sections = [
    section({ type: 0, size: 0 }),
    section({ ...VARIABLES, size: 64 }),
    section({
      type: SECTION_WITHOUT_BYTES,
      flags: SECTION_FLAG.write | SECTION_FLAG.memory,
      offset: VARIABLES.offset + 64,
      address: VARIABLES.address + 64,
      size: 19 * PAGE,
    }),
    section({ ...SERVICE, size: PAGE }),
  ];
  const sectionTable = SERVICE.offset + PAGE;
  const file = new Uint8Array(sectionTable + sections.length * 64);
  file.set(madeUpExecutable().subarray(0, VARIABLES.offset + 64));
  file.fill(1, SERVICE.offset, sectionTable);
  const size = 21 * PAGE;
  const segments = SEGMENTS.map((each) => {
    if (each.type === SEGMENT_TYPE.note) return { ...each, type: SEGMENT_TYPE.table };
    return each.offset === VARIABLES.offset ? { ...each, size, memorySize: size } : each;
  });
  writeElf(file, { header: { ...HEADER, sectionTable }, segments, sections });
  return file;
}

/** A file with other headers. */
export function withHeaders(file: Uint8Array, change: (elf: Elf) => void): Uint8Array {
  const elf = readElf(file);
  change(elf);
  writeElf(file, elf);
  return file;
}

/** What a program finds in its memory, by address. */
export function memoryOf(file: Uint8Array): Map<number, number> {
  const bytes = loadedSegments(readElf(file)).flatMap(({ address, offset, size, memorySize }) =>
    Array.from(
      { length: memorySize },
      (_, i) => [address + i, i < size ? file[offset + i] : 0] as [number, number],
    ),
  );
  return new Map(bytes);
}

const HEADER = {
  type: 2,
  machine: 62,
  version: 1,
  entry: CODE.address,
  segmentTable: 64,
  sectionTable: SECTIONS,
  flags: 0,
  headerSize: 64,
  segmentHeaderSize: 56,
  segmentCount: 5,
  sectionHeaderSize: 64,
  sectionCount: 5,
  sectionNames: 0,
};

const SEGMENTS = [
  segment({ flags: 4, offset: 0, address: FIRST_ADDRESS, size: 8 * PAGE - 16 }),
  segment({ flags: 5, ...CODE, size: PAGE }),
  segment({ flags: 6, ...VARIABLES, size: 64, memorySize: 20 * PAGE }),
  segment({
    type: SEGMENT_TYPE.note,
    flags: 4,
    offset: 0x200,
    address: FIRST_ADDRESS + 0x200,
    size: 32,
  }),
  segment({ type: 0x6474e551, flags: 6, offset: 0, address: 0, size: 0 }),
];

function segment(fields: {
  type?: number;
  flags: number;
  offset: number;
  address: number;
  size: number;
  memorySize?: number;
}) {
  const defaults = { type: SEGMENT_TYPE.load, memorySize: fields.size, alignment: PAGE };
  return { ...defaults, physicalAddress: fields.address, ...fields };
}

function section(fields: {
  type?: number;
  flags?: number;
  offset?: number;
  address?: number;
  size: number;
}) {
  const defaults = { name: 0, type: 1, flags: 2, address: 0, offset: 0, link: 0, info: 0 };
  return { ...defaults, alignment: 16, entrySize: 0, ...fields };
}
