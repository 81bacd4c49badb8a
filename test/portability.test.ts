import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

// The compiler reads every type there is, which takes a busy machine a while.
setDefaultTimeout(60_000);

const ROOT = join(import.meta.dir, "..");
const COPIED = ["src", "package.json", "tsconfig.json", "tsconfig.portable.json", "biome.json"];

/** Files that name a runtime where none may, and which tools say so of the file itself. */
const VIOLATIONS: { what: string; path: string; text: string; found: ("tsc" | "biome")[] }[] = [
  {
    what: "the global Bun",
    path: "src/books/planted-bun.ts",
    text: "export const version = Bun.version;\n",
    found: ["tsc", "biome"],
  },
  {
    what: "the global Deno",
    path: "src/planted-deno.ts",
    text: "export const version = Deno.version;\n",
    found: ["tsc", "biome"],
  },
  {
    what: "the global process",
    path: "src/middleware/planted-process.ts",
    text: "export const home = process.env.HOME;\n",
    found: ["tsc", "biome"],
  },
  {
    what: "the global Buffer",
    path: "src/planted-buffer.ts",
    text: 'export const bytes = Buffer.from("a");\n',
    found: ["tsc", "biome"],
  },
  {
    what: "a module of Node",
    path: "src/process/actions/planted-node.ts",
    text: 'import { readFileSync } from "node:fs";\n\nexport const read = readFileSync;\n',
    found: ["tsc", "biome"],
  },
  {
    what: "a module of Bun",
    path: "src/planted-bun-module.ts",
    text: 'import { Database } from "bun:sqlite";\n\nexport const open = Database;\n',
    found: ["tsc", "biome"],
  },
  {
    what: "src/runtime",
    path: "src/docs/planted-runtime.ts",
    text: 'import { untilSignal } from "../runtime/signals.ts";\n\nexport const wait = untilSignal;\n',
    found: ["biome"],
  },
];

let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "thimble-portability-"));
  for (const name of [...COPIED, ".gitignore"]) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const TOOLS = {
  tsc: ["tsc", "--project", "tsconfig.portable.json", "--pretty", "false"],
  biome: ["biome", "lint", "--max-diagnostics=none", "--colors=off", "src"],
};

/** What a tool says of the copied tree. */
function run(tool: keyof typeof TOOLS): { exitCode: number; output: string } {
  const [name = "", ...args] = TOOLS[tool];
  const command = [process.execPath, join("node_modules/.bin", name), ...args];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: directory });
  return { exitCode, output: `${stdout}${stderr}` };
}

describe("nothing outside src/runtime names a runtime:", () => {
  for (const tool of ["tsc", "biome"] as const) {
    test(`${tool} passes the source as it is`, () => {
      expect(run(tool)).toMatchObject({ exitCode: 0 });
    });
  }

  for (const tool of ["tsc", "biome"] as const) {
    test(`${tool} fails on every file that does`, () => {
      const planted = VIOLATIONS.filter(({ found }) => found.includes(tool));
      for (const { path, text } of planted) {
        mkdirSync(dirname(join(directory, path)), { recursive: true });
        writeFileSync(join(directory, path), text);
      }
      const { exitCode, output } = run(tool);
      for (const { path } of planted) rmSync(join(directory, path));
      expect(exitCode).not.toBe(0);
      const missed = planted.filter(({ path }) => !output.includes(path));
      expect(missed.map(({ what }) => what)).toEqual([]);
      const named = new Set(output.match(/\bsrc\/[\w/.-]+\.ts\b/g));
      const innocent = [...named].filter((path) => !planted.some((each) => each.path === path));
      expect(innocent).toEqual([]);
    });
  }
});
