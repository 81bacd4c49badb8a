import { readFile, writeFile } from "node:fs/promises";
import { findCommonData } from "./common-data.ts";
import { frameLength } from "./zstd-frame.ts";

/**
 * The files of Bun's own tools in this version of Bun, on every architecture: the texts of its linter, the
 * declarations of TypeScript's libraries, what the bundler gives browsers in place of Node.js modules,
 * the page that development shows for an error, completions of shells.
 */
export const TOOL_FILES = { count: 45, bytes: 1_022_494 } as const;

/** Zeros in the place of the files of Bun's tools. The executable stays as long, and packs better. */
export async function clearToolFiles(path: string): Promise<void> {
  await writeFile(path, withoutToolFiles(await readFile(path)));
}

/**
 * The same executable without these files. Each is a zstd frame, which nothing can compress again, and
 * which only its tool unpacks. All other frames are ICU's.
 *
 * @throws {Error} if there are others than expected: each of them has to be known to be a tool's.
 */
export function withoutToolFiles(
  file: Uint8Array,
  expected: { count: number; bytes: number } = TOOL_FILES,
): Uint8Array {
  const cleared = Buffer.from(file);
  const { start, end } = findCommonData(cleared);
  const isTool = ([at]: readonly [number, number]) => at < start || at >= end;
  const found = framesIn(cleared).filter(isTool);
  const bytes = found.reduce((sum, [, length]) => sum + length, 0);
  if (found.length !== expected.count || bytes !== expected.bytes) {
    throw new Error(
      `the executable has ${found.length} files of Bun's tools of ${bytes} bytes; expected were ` +
        `${expected.count} of ${expected.bytes}. Compare scripts/build/slim/tool-files.ts with this version of ` +
        "Bun. SLIM=false leaves them.",
    );
  }
  for (const [at, length] of found) cleared.fill(0, at, at + length);
  return cleared;
}

/** The start and the length of each frame that can be unpacked. */
function framesIn(file: Buffer): [number, number][] {
  const frames: [number, number][] = [];
  const magic = Buffer.of(0x28, 0xb5, 0x2f, 0xfd);
  for (let at = file.indexOf(magic); at >= 0; at = file.indexOf(magic, at + 1)) {
    const length = lengthOfFrame(file.subarray(at));
    if (length !== undefined) frames.push([at, length]);
  }
  return frames;
}

/** Nothing where the bytes only begin like a frame, as those of machine code can. */
function lengthOfFrame(bytes: Buffer): number | undefined {
  try {
    const length = frameLength(bytes);
    Bun.zstdDecompressSync(bytes.subarray(0, length));
    return length;
  } catch {
    return undefined;
  }
}
