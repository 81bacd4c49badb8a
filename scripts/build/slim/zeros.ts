import { readFile, writeFile } from "node:fs/promises";
import { type Elf, readElf, SECTION_FLAG, SECTION_WITHOUT_BYTES, type Section } from "./elf.ts";
import { cutZerosOut, pageSizeOf, wholePages } from "./hole.ts";
import { orLeaveWhole } from "./slim.ts";

/** What a program's variables are that begin as zero: they take memory, and nothing of a file. */
const VARIABLES = SECTION_FLAG.write | SECTION_FLAG.memory;

/** Cuts 1.8 MB of zeros out of a compiled executable. */
export async function removeZeros(path: string): Promise<void> {
  const file = await readFile(path);
  await writeFile(
    path,
    orLeaveWhole(() => withoutZeros(file)),
  );
}

/**
 * The same executable without the zeros of its variables. A linker puts these last, and nothing of them into the
 * file; Bun puts the service after them, and fills what lies between.
 *
 * @throws {Error} if the executable is not as expected.
 */
export function withoutZeros(file: Uint8Array): Uint8Array {
  const elf = readElf(file);
  const variables = elf.sections.filter(
    ({ type, flags }) => type === SECTION_WITHOUT_BYTES && flags === VARIABLES,
  );
  const [zeros] = variables;
  if (!zeros || variables.length > 1) {
    throw new Error(`it has ${variables.length} sections of variables without bytes, and not one`);
  }
  const end = Math.min(...followers(elf, zeros).map(({ offset }) => offset));
  return cutZerosOut(file, wholePages({ start: zeros.offset, end }, pageSizeOf(elf)));
}

/** The sections whose bytes come after another one in memory. */
function followers({ sections }: Elf, { address, size }: Section): Section[] {
  return sections.filter((each) => each.address >= address + size);
}
