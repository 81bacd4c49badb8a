import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

// The compiler reads every type, which is slow on a busy machine.
setDefaultTimeout(60_000);

const ROOT = join(import.meta.dir, "..");
const COPIED = [
  ...["src", "test", "scripts", "bench", "launcher", "deploy"].filter((name) =>
    existsSync(join(ROOT, name)),
  ),
  "package.json",
  "biome.json",
  "tsconfig.json",
  "tsconfig.portable.json",
  "tsconfig.process.json",
];

/** Files that break the rule of their ring, and the checks that name each of them. */
const VIOLATIONS: { what: string; path: string; text: string; found: Tool[] }[] = [
  {
    what: "the global Bun in portable code",
    path: "src/resources/planted-bun.ts",
    text: "export const version = Bun.version;\n",
    found: ["portable", "biome"],
  },
  {
    what: "the global Deno in portable code",
    path: "src/planted-deno.ts",
    text: "export const version = Deno.version;\n",
    found: ["portable", "biome"],
  },
  {
    what: "the global process in portable code",
    path: "src/http/middleware/planted-process.ts",
    text: "export const home = process.env.HOME;\n",
    found: ["portable", "biome"],
  },
  {
    what: "the global Buffer in portable code",
    path: "src/planted-buffer.ts",
    text: 'export const bytes = Buffer.from("a");\n',
    found: ["portable", "biome"],
  },
  {
    what: "a module of Node in portable code",
    path: "src/process/actions/planted-node.ts",
    text: 'import { readFileSync } from "node:fs";\n\nexport const read = readFileSync;\n',
    found: ["portable", "biome"],
  },
  {
    what: "process code in portable code",
    path: "src/pages/planted-server.ts",
    text: 'import { untilSignal } from "../server/signals.ts";\n\nexport const wait = untilSignal;\n',
    found: ["biome"],
  },
  {
    what: "the global Bun in process code",
    path: "src/server/planted-bun.ts",
    text: "export const version = Bun.version;\n",
    found: ["process", "biome"],
  },
  {
    what: "the global Deno in process code",
    path: "src/cli/planted-deno.ts",
    text: "export const version = Deno.version;\n",
    found: ["process", "biome"],
  },
  {
    what: "a module of Bun in process code",
    path: "src/transfer/planted-bun-module.ts",
    text: 'import { Database } from "bun:sqlite";\n\nexport const open = Database;\n',
    found: ["process", "biome"],
  },
  {
    what: "an adapter in process code",
    path: "src/server/planted-adapter.ts",
    text: 'import { listen } from "../adapters/bun-server.ts";\n\nexport const wait = listen;\n',
    found: ["biome"],
  },
  {
    what: "a runtime's own API in another's adapter",
    path: "src/adapters/planted-deno.ts",
    text: "export const version = Deno.version;\n",
    found: ["adapters"],
  },
  {
    what: "an import cycle, begun",
    path: "src/planted-cycle-a.ts",
    text: 'import type { B } from "./planted-cycle-b.ts";\n\nexport type A = { b?: B };\n',
    found: ["biome"],
  },
  {
    what: "an import cycle, closed",
    path: "src/planted-cycle-b.ts",
    text: 'import type { A } from "./planted-cycle-a.ts";\n\nexport type B = { a?: A };\n',
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

const compiler = (project: string) => ["tsc", "--project", project, "--pretty", "false"];
const TOOLS = {
  portable: compiler("tsconfig.portable.json"),
  process: compiler("tsconfig.process.json"),
  adapters: compiler("tsconfig.json"),
  biome: ["biome", "lint", "--max-diagnostics=none", "--colors=off", "src"],
};
type Tool = keyof typeof TOOLS;

/** A tool's output for the copied tree. */
function run(tool: Tool): { exitCode: number; output: string } {
  const [name = "", ...args] = TOOLS[tool];
  const command = [process.execPath, join("node_modules/.bin", name), ...args];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: directory });
  return { exitCode, output: `${stdout}${stderr}` };
}

describe("each ring names only what its runtimes have:", () => {
  for (const tool of Object.keys(TOOLS) as Tool[]) {
    test(`${tool} accepts the source`, () => {
      expect(run(tool)).toMatchObject({ exitCode: 0 });
    });
  }

  for (const tool of Object.keys(TOOLS) as Tool[]) {
    test(`${tool} fails on every file that names more`, () => {
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
