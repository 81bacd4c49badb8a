import { readFile, writeFile } from "node:fs/promises";
import { readElf } from "./slim/elf.ts";

// Bun reads variables that a compiled program cannot switch off. With them, a person who controls only the
// environment of the service can run code, open a debugger, or read and write files, although the image
// has no shell and no interpreter. So the executable no longer finds them: their names begin with a zero
// in it, which no variable does. (Only this byte changes, as shorter strings share the end of a name.)
//
// Read as before is what operators need: certificates (NODE_EXTRA_CA_CERTS, NODE_USE_SYSTEM_CA,
// SSL_CERT_DIR, SSL_CERT_FILE), proxies (HTTP_PROXY and others), TZ, TMPDIR, colours, limits and times of
// `fetch` (BUN_CONFIG_*), the allocator's settings (MIMALLOC_*), and switches that only change speed.
// Bun ignores NODE_OPTIONS, JSC_* and SSLKEYLOGFILE. NODE_PATH, BUN_RUNTIME_TRANSPILER_CACHE_PATH and the
// variables of `bun install` are for source files on disk, of which the service loads none.

const RUNS_CODE = "starts Bun's command line: an interpreter, a shell and a package manager";
const ADDS_FLAGS = "adds flags, such as --preload, which runs a file";
const DEBUGGER = "opens a debugger, or runs a file before the service";
const WRITES_FILE = "writes what was executed to any file";
const READS_DATA = "loads ICU's data, which is trusted, from a directory";

/** Each variable that the shipped executable must not read, and what it would do. */
export const UNREAD_VARIABLES: Readonly<Record<string, string>> = {
  BUN_BE_BUN: RUNS_CODE,
  BUN_OPTIONS: ADDS_FLAGS,
  BUN_INSPECT: DEBUGGER,
  BUN_INSPECT_CONNECT_TO: DEBUGGER,
  BUN_INSPECT_PRELOAD: DEBUGGER,
  BUN_BYTECODE_DIGEST_OUT: WRITES_FILE,
  BUN_BYTECODE_ORDER_NAMES_OUT: WRITES_FILE,
  BUN_BYTECODE_ORDER_OUT: WRITES_FILE,
  ICU_DATA: READS_DATA,
  ICU_TIMEZONE_FILES_DIR: READS_DATA,
  NODE_CHANNEL_FD: "takes an open file for a channel to the parent process",
  NODE_TLS_REJECT_UNAUTHORIZED: "stops checking the certificates of databases and collectors",
  BUN_CONFIG_VERBOSE_FETCH: "logs requests to others, with headers that hold keys",
};

/** Options of the engine, for example to replace functions by those of a file, or to open a debugger. */
export const ENGINE_PREFIX = "BUN_JSC_";

/** What is replaced by bytes of the same number, and how often it must be there; by default, any number of times. */
type Rewrite = { what: string; find: RegExp; times?: number; replace: (found: string) => string };

const MACHINE = { x64: 62, arm64: 183 } as const;

/** Makes a compiled executable ignore them. @throws {Error} if it is not as expected; it stays as it was. */
export async function removeVariables(path: string): Promise<void> {
  await writeFile(path, withoutVariables(await readFile(path)));
}

/** The same executable without the variables. The same input gives the same output. */
export function withoutVariables(file: Uint8Array): Uint8Array {
  const { machine } = readElf(file).header;
  const rewritten = Buffer.from(file);
  const text = rewritten.toString("latin1");
  for (const rewrite of [...names(), ...libraryCode(), ...bytecode(), enginePrefix(machine)]) {
    const found = [...text.matchAll(rewrite.find)];
    const { times = found.length } = rewrite;
    if (found.length !== times) throw unexpected(rewrite, found.length);
    for (const { 0: bytes, index } of found)
      rewritten.write(rewrite.replace(bytes), index, "latin1");
  }
  return rewritten;
}

function unexpected({ what, times }: Rewrite, found: number): Error {
  return new Error(
    `the executable cannot be made to ignore ${what}: it is there ${found} times, and not ${times}. ` +
      "Compare scripts/build/unread-variables.ts with this version of Bun.",
  );
}

/** What comes before a name in bytecode: its length, with the bit of Latin-1, and 24 bits of its hash. */
function stringHead({ length }: string): string {
  return `\\x${length.toString(16).padStart(2, "0")}\\0\\0\\x80[^]{3}\\0`;
}

/** Where `getenv()` is called with a name. */
function names(): Rewrite[] {
  return Object.keys(UNREAD_VARIABLES).map((name) => ({
    what: name,
    find: new RegExp(`(?<=\\0)(?<!${stringHead(name)})${name}(?=\\0)`, "g"),
    times: 1,
    replace: withoutFirstByte,
  }));
}

/** Where Bun looks a name up in its own copy of the environment, or its JavaScript does. */
function libraryCode(): Rewrite[] {
  return [
    {
      what: "NODE_TLS_REJECT_UNAUTHORIZED",
      find: /NODE_TLS_REJECT_UNAUTHORIZED(?=BUN_CONFIG_)/g,
      times: 1,
      replace: withoutFirstByte,
    },
    {
      what: "NODE_TLS_REJECT_UNAUTHORIZED in node:tls",
      find: /process\.env\.NODE_TLS_REJECT_UNAUTHORIZED(?= [!=]== "0")/g,
      times: 3,
      replace: (found) => "void 0".padEnd(found.length),
    },
    {
      what: "BUN_CONFIG_VERBOSE_FETCH",
      find: /BUN_CONFIG_VERBOSE_FETCH(?!\0)/g,
      times: 1,
      replace: withoutFirstByte,
    },
  ];
}

/** Where the bytecode of Bun's JavaScript, which is compiled together with the service's, looks a name up. */
function bytecode(): Rewrite[] {
  return Object.keys(UNREAD_VARIABLES).map((name) => ({
    what: `${name} in bytecode`,
    find: new RegExp(`(?<=${stringHead(name)})${name}`, "g"),
    replace: withoutFirstByte,
  }));
}

function withoutFirstByte(name: string): string {
  return `\0${name.slice(1)}`;
}

/** The prefix is in the machine code, letter by letter. The launcher names an option with this zero too. */
function enginePrefix(machine: number): Rewrite {
  const what = `${ENGINE_PREFIX}*`;
  if (machine === MACHINE.x64) return { what, times: 1, ...x64Comparison() };
  if (machine === MACHINE.arm64) return { what, times: 1, ...arm64Comparison() };
  throw new Error(`the executable is for an unknown machine, ${machine}: expected x64 or arm64`);
}

/** `cmp byte [register + i], letter; jne`, the first one without an `i`. */
function x64Comparison(): Pick<Rewrite, "find" | "replace"> {
  const jump = "(?:u.|\\x0f\\x85.{4})";
  const letters = [...ENGINE_PREFIX].map((letter, i) =>
    i === 0
      ? `\\x80[\\x38-\\x3f]${letter}`
      : `[\\x40-\\x4f]?\\x80[\\x78-\\x7f]${String.fromCharCode(i)}${letter}`,
  );
  const replace = (found: string) => `${found.slice(0, 2)}\0${found.slice(3)}`;
  return { find: new RegExp(letters.join(jump), "gs"), replace };
}

/** `ldrb; cmp register, letter; b.ne`, of which the letter has twelve bits. */
function arm64Comparison(): Pick<Rewrite, "find" | "replace"> {
  const letters = [...ENGINE_PREFIX].map((letter) => {
    const low = (letter.charCodeAt(0) & 0x3f) << 2;
    const registers = [0, 1, 2, 3].map((i) => `\\x${(low | i).toString(16).padStart(2, "0")}`);
    return `[\\x1f\\x3f\\x5f\\x7f\\x9f\\xbf\\xdf\\xff][${registers.join("")}]\\x01q`;
  });
  const replace = (found: string) => {
    const register = String.fromCharCode(found.charCodeAt(1) & 3);
    return `${found.slice(0, 1)}${register}\0${found.slice(3)}`;
  };
  return { find: new RegExp(letters.join(".{8}"), "gs"), replace };
}
