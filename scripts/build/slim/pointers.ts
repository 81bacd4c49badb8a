import type { CommonData } from "./common-data.ts";
import { type Elf, loadedSegments, SEGMENT_FLAG } from "./elf.ts";
import { segmentAround } from "./hole.ts";

const WORD = 8;

/**
 * Checks that no constant and no variable holds the address of an item: only ICU's own table may lead to
 * them. (Addresses in machine code cannot be told from other numbers.)
 *
 * @throws {Error} if a word is.
 */
export function checkPointers(file: Uint8Array, elf: Elf, { start, end, items }: CommonData): void {
  const { address, offset } = segmentAround(elf, { start, end });
  const names = new Map(items.map((item) => [address - offset + start + item.offset, item.name]));
  for (const segment of loadedSegments(elf)) {
    if (segment.flags & SEGMENT_FLAG.execute) continue;
    const first = Math.ceil(segment.offset / WORD) * WORD;
    const words = readWords(file.subarray(first, segment.offset + segment.size));
    for (let i = 0; i < words.length; i += 2) {
      const name = words[i + 1] === 0 ? names.get(words[i] ?? 0) : undefined;
      if (name === undefined) continue;
      throw new Error(`the word at ${first + 4 * i} is the address of ${name}`);
    }
  }
}

/** Two numbers of 32 bits for each word, as BigInts are slow. */
function readWords(bytes: Uint8Array): Uint32Array {
  const { buffer, length } = new Uint8Array(bytes);
  return new Uint32Array(buffer, 0, 2 * Math.floor(length / WORD));
}
