// Copies the libraries that an executable loads out of the system that it will run on, and prints their paths:
//
//   bun scripts/image/libraries.ts EXECUTABLE ROOT OUTDIR
//
// `ldd` finds the same ones, but runs the system's own loader: for another architecture it needs an emulator.
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { architectureOf } from "../build/architecture.ts";
import { type Elf, loadedSegments, readElf, SEGMENT_TYPE } from "../build/slim/elf.ts";
import { readStruct, sizeOf } from "../build/slim/struct.ts";
import { runMain, UsageError } from "../shell/main.ts";

// https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.dynamic.html
const DYNAMIC = { tag: 8, value: 8 } as const;
const TAG = { needed: 1, strings: 5 } as const;

/** A file of a system whose root is a directory here. */
export type SystemFile = { root: string; path: string };

/**
 * The paths, in a system, of the libraries that an executable loads, in `ldd`'s order; none if it is static.
 *
 * @throws {Error} if the system lacks one.
 */
export function librariesOf(executable: string, root: string): string[] {
  const file = readFileSync(executable);
  const elf = readElf(file);
  const loader = loaderOf(elf, file);
  if (loader === undefined) return [];
  const { debian } = architectureOf(elf);
  const folders = [`/lib/${debian}`, `/usr/lib/${debian}`, "/lib", "/usr/lib"];
  // A library may need the loader too, but it is always the one that the executable names.
  const paths = new Map([[basename(loader), loader]]);
  const names = new Set([...neededBy(file), basename(loader)]);
  // What is added to a set while it is walked through is walked through too.
  for (const name of names) {
    const path = paths.get(name) ?? find(name, { root, folders });
    paths.set(name, path);
    for (const needed of neededBy(readFileSync(join(root, path)))) names.add(needed);
  }
  return [...names].flatMap((name) => paths.get(name) ?? []);
}

/** Where a file really is in its system, through all links. @throws {Error} if that is outside of it. */
export function realPath({ root, path }: SystemFile): string {
  const inside = relative(realpathSync(root), realpathSync(join(root, path)));
  if (inside.startsWith("..")) throw new Error(`${path} is a link that leads out of ${root}`);
  return `/${inside}`;
}

function find(name: string, { root, folders }: { root: string; folders: readonly string[] }) {
  const folder = folders.find((each) => existsSync(join(root, each, name)));
  if (folder !== undefined) return `${folder}/${name}`;
  throw new Error(`${name} is in none of ${folders.join(", ")} of ${root}`);
}

function loaderOf({ segments }: Elf, file: Uint8Array): string | undefined {
  const segment = segments.find(({ type }) => type === SEGMENT_TYPE.interpreter);
  return segment && textAt(file, segment.offset);
}

/** The names of the libraries that an executable or a library needs itself. */
function neededBy(file: Uint8Array): string[] {
  const elf = readElf(file);
  const entries = dynamicEntries(elf, file);
  const strings = entries.find(({ tag }) => tag === TAG.strings);
  if (!strings) return [];
  const start = offsetOf(elf, strings.value);
  return entries
    .filter(({ tag }) => tag === TAG.needed)
    .map(({ value }) => textAt(file, start + value));
}

function dynamicEntries({ segments }: Elf, file: Uint8Array) {
  const segment = segments.find(({ type }) => type === SEGMENT_TYPE.dynamic);
  if (!segment) return [];
  return Array.from({ length: segment.size / sizeOf(DYNAMIC) }, (_, i) =>
    readStruct(file, segment.offset + i * sizeOf(DYNAMIC), DYNAMIC),
  );
}

/** Where in the file is what the kernel maps to an address. */
function offsetOf(elf: Elf, address: number): number {
  const segment = loadedSegments(elf).find(
    (each) => each.address <= address && address < each.address + each.size,
  );
  if (!segment) throw new Error(`no segment of the ELF file holds the address ${address}`);
  return segment.offset + (address - segment.address);
}

function textAt(file: Uint8Array, start: number): string {
  return new TextDecoder("latin1").decode(file.subarray(start, file.indexOf(0, start)));
}

function main(args: readonly string[]): void {
  const [executable, root, outdir] = args;
  if (!executable || !root || !outdir) throw new UsageError("expected EXECUTABLE ROOT OUTDIR");
  for (const path of librariesOf(executable, root)) {
    const copy = join(outdir, path);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(join(root, realPath({ root, path })), copy);
    console.log(path);
  }
}

if (import.meta.main) await runMain(() => main(process.argv.slice(2)));
