import { type FSWatcher, watch } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { ReadFailure, ReadFile } from "../../config/config.ts";
import { requireSecretFile } from "./secret-file.ts";

/** Network file systems do not report changes, and a directory may be created after the watch. */
const POLL_MS = 5000;

/** A file that is written in place may be incomplete, so it must stay the same for this time. */
const SETTLE_MS = 200;

/** The text of a file, or why it could not be read. */
export type FileContent = { text: string } | ReadFailure;
export type FileContents = ReadonlyMap<string, FileContent>;

type WatchOptions = {
  /** The files as they were last used. Their paths are watched. */
  known: FileContents;
  /** Receives new contents when they are complete. */
  onChange: (contents: FileContents) => void;
  pollMs?: number;
  settleMs?: number;
};

/**
 * Watches files that may be replaced in any way: written in place, renamed over, or by a swap of the symbolic
 * links on their path, as Kubernetes does it.
 */
export function watchSecretFiles(options: WatchOptions) {
  const { onChange, pollMs = POLL_MS, settleMs = SETTLE_MS } = options;
  const paths = [...options.known.keys()];
  let known = options.known;
  let seen = known;
  let next: ReturnType<typeof setTimeout> | undefined;
  let again = false;
  let closed = false;

  /** Runs one at a time. A change is reported when the next look finds the same. */
  async function look(): Promise<void> {
    again = false;
    const found = await readAll(paths);
    if (closed) return;
    const settled = same(found, seen);
    seen = found;
    next = undefined;
    if (again || !settled) lookSoon();
    if (!settled || same(found, known)) return;
    known = found;
    onChange(found);
  }

  function lookSoon(): void {
    again = true;
    next ??= setTimeout(look, settleMs);
  }

  const watchers = watchDirectories(paths, lookSoon);
  const polling = setInterval(lookSoon, pollMs);
  // The files may have changed between reading them and watching them.
  lookSoon();

  return {
    /** Reads the files now. Only later changes are reported. */
    async read(): Promise<FileContents> {
      known = await readAll(paths);
      seen = known;
      return known;
    },

    close(): void {
      closed = true;
      clearTimeout(next);
      clearInterval(polling);
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** Reads a file out of contents. @throws {Error} that is also the {@link ReadFailure}. */
export function readFrom(contents: FileContents): ReadFile {
  return (path) => {
    const content = contents.get(path) ?? { code: "ENOENT" };
    if ("text" in content) return content.text;
    throw Object.assign(new Error("The file cannot be read"), content);
  };
}

async function readAll(paths: readonly string[]): Promise<FileContents> {
  const contents = await Promise.all(paths.map(readContent));
  return new Map(paths.map((path, index) => [path, contents[index] ?? { code: "ENOENT" }]));
}

async function readContent(path: string): Promise<FileContent> {
  try {
    requireSecretFile(path, await stat(path));
    return { text: await readFile(path, "utf8") };
  } catch (error) {
    const { code, problem } = error as ReadFailure;
    return problem === undefined ? { code: String(code) } : { problem };
  }
}

function same(left: FileContents, right: FileContents): boolean {
  return JSON.stringify([...left]) === JSON.stringify([...right]);
}

/** Watches the directories, as the watch of a file ends when the file is replaced. */
function watchDirectories(paths: readonly string[], onEvent: () => void): FSWatcher[] {
  const directories = new Set(paths.map((path) => dirname(path)));
  return [...directories].flatMap((directory) => {
    try {
      // When a watch fails later, for example because its directory is removed, polling goes on.
      return [watch(directory, onEvent).on("error", () => {})];
    } catch {
      return [];
    }
  });
}
