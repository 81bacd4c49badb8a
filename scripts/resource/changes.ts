import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A file to write, or without content one to remove; paths are from the root of the project. */
export type Change = { path: string; content?: string };

export const ROOT = join(import.meta.dir, "../..");

export const fromRoot = (path: string) => join(ROOT, path);

/** What brings documents and forms up to date with the code; each is a process, for it reads the new code. */
const FOLLOW_UPS = [
  ["node_modules/.bin/biome", "check", "--write", "--log-level=error"],
  ["scripts/readme-tables.ts"],
  ["scripts/rooms.ts"],
];

/** What they write besides source. */
const DERIVED = ["docs/api.md", "docs/rooms.svg"];

/**
 * Makes changes, then brings documents up to date.
 *
 * @returns every file that is different now.
 */
export function make(changes: readonly Change[]): string[] {
  const before = DERIVED.map(read);
  for (const change of changes) makeOne(change);
  for (const command of FOLLOW_UPS) follow(command);
  const derived = DERIVED.filter((path, index) => read(path) !== before[index]);
  return [...new Set([...changes.map(describe), ...derived])];
}

function describe({ path, content }: Change): string {
  return content === undefined ? `${path} (removed)` : path;
}

function makeOne({ path, content }: Change): void {
  const file = fromRoot(path);
  if (content === undefined) {
    rmSync(file, { recursive: true });
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

const read = (path: string) =>
  existsSync(fromRoot(path)) ? readFileSync(fromRoot(path), "utf8") : "";

function follow(command: readonly string[]): void {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, ...command], { cwd: ROOT });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} failed: ${stdout}${stderr}`);
}
