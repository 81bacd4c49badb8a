import {
  type Elf,
  loadedSegments,
  readElf,
  SECTION_HEADER_SIZE,
  SECTION_WITHOUT_BYTES,
  SEGMENT_FLAG,
  SEGMENT_TYPE,
  type Section,
  type Segment,
  writeElf,
} from "./elf.ts";

/** A part of a file, in bytes. */
export type Range = { start: number; end: number };

/** The type of an executable whose addresses are fixed. */
const FIXED_ADDRESS = 2;

/**
 * Cuts a hole out of an executable. What follows it moves in the file, but nothing moves in memory:
 * there, the addresses of the hole are no longer mapped, so that a use of them ends the program.
 *
 * The segment around the hole becomes two. The second one takes the place of the note in the table of
 * segments, which has no room for more; the note's section stays, and tools read the build id there.
 *
 * @throws {Error} if the executable is not of the shape that this relies on.
 */
export function cutOut(file: Uint8Array, hole: Range): Uint8Array {
  const elf = readElf(file);
  const split = segmentAround(elf, hole);
  if (split.flags & SEGMENT_FLAG.write || split.size !== split.memorySize) {
    throw new Error(`the segment around ${show(hole)} is not read-only`);
  }
  const [before, after] = halves(split, hole);
  return without(file, elf, hole, {
    split,
    halves: [
      { ...before, memorySize: before.size },
      { ...after, memorySize: after.size },
    ],
    inPlaceOf: SEGMENT_TYPE.note,
    sections: splitSections(elf.sections, hole),
  });
}

/**
 * Cuts pages of zeros out of a segment that is writable. The memory stays, as the kernel fills it with zeros by
 * itself: what follows becomes a segment of its own, in the place of the entry that says where the table of
 * segments is. (Only a program that is loaded at any address needs that.)
 *
 * @throws {Error} if the executable is not of the shape that this relies on.
 */
export function cutZerosOut(file: Uint8Array, hole: Range): Uint8Array {
  const elf = readElf(file);
  if (elf.header.type !== FIXED_ADDRESS) throw new Error("its addresses are not fixed");
  if (file.subarray(hole.start, hole.end).some((byte) => byte !== 0)) {
    throw new Error(`${show(hole)} is not all zeros`);
  }
  const split = segmentAround(elf, hole);
  if (!(split.flags & SEGMENT_FLAG.write)) throw new Error(`${show(hole)} cannot be written`);
  const [before, after] = halves(split, hole);
  const distance = after.address - split.address;
  return without(file, elf, hole, {
    split,
    halves: [
      { ...before, memorySize: distance },
      { ...after, memorySize: split.memorySize - distance },
    ],
    inPlaceOf: SEGMENT_TYPE.table,
    sections: elf.sections.map((each) => moved(each, hole)),
  });
}

type Cut = {
  /** The segment around the hole, and what becomes of it. */
  split: Segment;
  halves: [Segment, Segment];
  /** The type of the entry whose place the second half takes. */
  inPlaceOf: number;
  sections: Section[];
};

function without(file: Uint8Array, elf: Elf, hole: Range, cut: Cut): Uint8Array {
  const { split, halves, inPlaceOf, sections } = cut;
  checkTables(elf, file, inPlaceOf);
  checkAlignment(elf, hole);
  const segments = elf.segments.flatMap((segment) => {
    if (segment.type === inPlaceOf) return [];
    return segment === split ? halves : [moved(segment, hole)];
  });
  const { header } = elf;
  const newSections = sections.length - elf.sections.length;
  const rest = new Uint8Array(file.length - sizeOf(hole) + newSections * SECTION_HEADER_SIZE);
  rest.set(file.subarray(0, hole.start));
  rest.set(file.subarray(hole.end), hole.start);
  const sectionTable = header.sectionTable - sizeOf(hole);
  writeElf(rest, { header: { ...header, sectionTable }, segments, sections });
  return rest;
}

/** The largest page size that the executable is made for. A hole begins and ends at such a page. */
export function pageSizeOf(elf: Elf): number {
  return Math.max(...loadedSegments(elf).map(({ alignment }) => alignment));
}

/** The pages that lie completely in a range. */
export function wholePages({ start, end }: Range, pageSize: number): Range {
  return {
    start: Math.ceil(start / pageSize) * pageSize,
    end: Math.floor(end / pageSize) * pageSize,
  };
}

/** The segment that holds all these bytes of the file. @throws {Error} if none does. */
export function segmentAround(elf: Elf, range: Range): Segment {
  const segment = loadedSegments(elf).find((each) => whereIs(each, range) === "around");
  if (!segment) throw new Error(`no segment holds all of ${show(range)}`);
  return segment;
}

/** There is room for one more section only at the end of the file. */
function checkTables({ header, sections, segments }: Elf, file: Uint8Array, spare: number): void {
  const end = header.sectionTable + sections.length * SECTION_HEADER_SIZE;
  if (end !== file.length) {
    throw new Error(
      `the table of sections ends at ${end}, and not with the file at ${file.length}`,
    );
  }
  const spares = segments.filter(({ type }) => type === spare).length;
  if (spares !== 1) {
    throw new Error(`it has ${spares} segments of type ${spare}; one is needed, to take its place`);
  }
}

/** The kernel maps whole pages: offset and address of a segment must be equal within a page. */
function checkAlignment(elf: Elf, hole: Range): void {
  const pageSize = pageSizeOf(elf);
  const unequal = loadedSegments(elf).some((each) => each.alignment !== pageSize);
  if (unequal || pageSize < 4096 || (pageSize & (pageSize - 1)) !== 0) {
    throw new Error("the segments are not all aligned to one size of a page");
  }
  const { address, offset } = segmentAround(elf, hole);
  if ([hole.start, hole.end, address - offset].some((x) => x % pageSize)) {
    throw new Error(`${show(hole)} does not consist of whole pages of ${pageSize} bytes`);
  }
}

/** The second half comes last: sections refer to each other by number. */
function splitSections(sections: readonly Section[], hole: Range): Section[] {
  const split = sections.filter((each) => hasBytes(each) && whereIs(each, hole) === "around");
  const [section] = split;
  if (!section || split.length > 1) {
    throw new Error(`${show(hole)} lies in ${split.length} sections, and not in one`);
  }
  const [before, after] = halves(section, hole);
  return [...sections.map((each) => (each === section ? before : moved(each, hole))), after];
}

function halves<Part extends Segment | Section>(part: Part, hole: Range): [Part, Part] {
  const before = hole.start - part.offset;
  const distance = before + sizeOf(hole);
  const address = part.address + distance;
  const size = part.size - distance;
  return [
    { ...part, size: before },
    {
      ...part,
      ...("physicalAddress" in part && { physicalAddress: part.physicalAddress + distance }),
      ...{ offset: hole.start, address, size },
    },
  ];
}

function moved<Part extends Segment | Section>(part: Part, hole: Range): Part {
  const range = { ...part, size: hasBytes(part) ? part.size : 0 };
  const offset = whereIs(range, hole) === "after" ? part.offset - sizeOf(hole) : part.offset;
  return { ...part, offset };
}

function whereIs(
  { offset, size }: Pick<Segment, "offset" | "size">,
  range: Range,
): "before" | "around" | "after" {
  const end = offset + size;
  if (end <= range.start) return "before";
  if (offset >= range.end) return "after";
  if (offset < range.start && end > range.end) return "around";
  throw new Error(`${show(range)} overlaps with ${show({ start: offset, end })}`);
}

function hasBytes(part: Segment | Section): boolean {
  return !("link" in part && part.type === SECTION_WITHOUT_BYTES);
}

function sizeOf({ start, end }: Range): number {
  return end - start;
}

function show({ start, end }: Range): string {
  return `the range ${start} to ${end}`;
}
