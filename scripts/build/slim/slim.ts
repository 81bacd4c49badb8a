import { chmod, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { type CommonData, findCommonData, writeCommonData } from "./common-data.ts";
import { readElf } from "./elf.ts";
import { cutOut, pageSizeOf, wholePages } from "./hole.ts";
import { isKept, languagesOf } from "./kept-items.ts";
import { checkPointers } from "./pointers.ts";

/**
 * Removes ICU's data of all languages but English and these from a compiled executable: 9 MB that the
 * service never reads, and that nothing can compress, because Bun has compressed it already.
 *
 * @throws {Error} if the executable is not as expected. Then the file is as it was.
 */
export async function slimExecutable(path: string, languages: ReadonlySet<string>): Promise<void> {
  const slimmed = slim(await readFile(path), languages);
  const { mode } = await stat(path);
  const temporary = `${path}.slim`;
  try {
    await writeFile(temporary, slimmed);
    await chmod(temporary, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The same executable without the data of other languages. The same input gives the same output. */
export function slim(file: Uint8Array, languages: ReadonlySet<string>): Uint8Array {
  return orLeaveWhole(() => withoutLanguages(file, languages));
}

/** @throws {Error} that says how to build without this. */
export function orLeaveWhole<T>(makeSmaller: () => T): T {
  try {
    return makeSmaller();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `the executable cannot be made smaller: ${reason}. SLIM=false leaves it whole.`;
    throw new Error(message, { cause: error });
  }
}

function withoutLanguages(file: Uint8Array, languages: ReadonlySet<string>): Uint8Array {
  const elf = readElf(file);
  const data = findCommonData(file);
  checkLanguages(data, languages);
  checkPointers(file, elf, data);
  const kept = writeCommonData(data.items.filter(({ name }) => isKept(name, languages)));
  const rewritten = new Uint8Array(file);
  rewritten.fill(0, data.start, data.end);
  rewritten.set(kept, data.start);
  const unused = { start: data.start + kept.length, end: data.end };
  const hole = wholePages(unused, pageSizeOf(elf));
  if (hole.start >= hole.end) throw new Error("it has less than a page of other languages");
  return cutOut(rewritten, hole);
}

function checkLanguages({ items }: CommonData, languages: ReadonlySet<string>): void {
  const known = new Set(items.flatMap(({ name }) => languagesOf(name)));
  const unknown = [...languages].filter((language) => !known.has(language));
  if (unknown.length > 0) {
    const there = [...known].sort().join(", ");
    throw new Error(`ICU has no language ${unknown.join(", ")}, of KEEP_LOCALES (it has ${there})`);
  }
}
