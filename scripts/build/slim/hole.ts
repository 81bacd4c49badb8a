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
  checkTables(elf, file);
  checkAlignment(elf, hole);
  const { header } = elf;
  const sectionTable = header.sectionTable - sizeOf(hole);
  const cut = new Uint8Array(file.length - sizeOf(hole) + SECTION_HEADER_SIZE);
  cut.set(file.subarray(0, hole.start));
  cut.set(file.subarray(hole.end), hole.start);
  writeElf(cut, {
    header: { ...header, sectionTable },
    segments: splitSegments(elf, hole),
    sections: splitSections(elf.sections, hole),
  });
  return cut;
}

/** The largest page size that the executable is made for. A hole begins and ends at such a page. */
export function pageSizeOf(elf: Elf): number {
  return Math.max(...loadedSegments(elf).map(({ alignment }) => alignment));
}

/** The segment that holds all these bytes of the file. @throws {Error} if none, or a writable one, does. */
export function segmentAround(elf: Elf, range: Range): Segment {
  const segment = loadedSegments(elf).find((each) => whereIs(each, range) === "around");
  if (!segment) throw new Error(`no segment holds all of ${show(range)}`);
  if (segment.flags & SEGMENT_FLAG.write || segment.size !== segment.memorySize) {
    throw new Error(`the segment around ${show(range)} is not read-only`);
  }
  return segment;
}

/** There is room for one more section only at the end of the file. */
function checkTables({ header, sections, segments }: Elf, file: Uint8Array): void {
  const end = header.sectionTable + sections.length * SECTION_HEADER_SIZE;
  if (end !== file.length) {
    throw new Error(
      `the table of sections ends at ${end}, and not with the file at ${file.length}`,
    );
  }
  const notes = segments.filter(({ type }) => type === SEGMENT_TYPE.note).length;
  if (notes !== 1) {
    throw new Error(`it has ${notes} note segments; one is needed, to take its place`);
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

function splitSegments(elf: Elf, hole: Range): Segment[] {
  const split = segmentAround(elf, hole);
  return elf.segments.flatMap((segment) => {
    if (segment.type === SEGMENT_TYPE.note) return [];
    if (segment !== split) return [moved(segment, hole)];
    const [before, after] = halves(segment, hole);
    return [
      { ...before, memorySize: before.size },
      {
        ...after,
        memorySize: after.size,
        physicalAddress: segment.physicalAddress + (after.address - segment.address),
      },
    ];
  });
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
  const address = part.address + before + sizeOf(hole);
  const size = part.size - before - sizeOf(hole);
  return [
    { ...part, size: before },
    { ...part, offset: hole.start, address, size },
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
