import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { ReadFile } from "../../config/config.ts";

/** Network file systems do not say when a file changes, and a directory may come after the watch. */
const POLL_MS = 5000;

/** Whoever writes a file in place may have written a part of it only; it has to stay as it is so long. */
const SETTLE_MS = 200;

/** What was found at the path of a file: its text, or the code of the error that kept it from being read. */
export type FileContent = { text: string } | { code: string };
export type FileContents = ReadonlyMap<string, FileContent>;

type WatchOptions = {
  /** What the files were when they were last used. Their paths are those that are watched. */
  known: FileContents;
  /** Is told of other contents once they are whole. */
  onChange: (contents: FileContents) => void;
  pollMs?: number;
  settleMs?: number;
};

export type SecretWatch = {
  /** Reads the files now; what comes of it is known from then on. */
  read: () => Promise<FileContents>;
  close: () => void;
};

/**
 * Watches files, however they are replaced: written in place, renamed over, or by a swap of the symbolic
 * links on the way to them, as Kubernetes does it.
 */
export function watchSecretFiles(options: WatchOptions): SecretWatch {
  const { onChange, pollMs = POLL_MS, settleMs = SETTLE_MS } = options;
  const paths = [...options.known.keys()];
  let known = options.known;
  let seen = known;
  let next: ReturnType<typeof setTimeout> | undefined;
  let again = false;
  let closed = false;

  /** Never two at once: whatever differs is believed when it is found the same a while later. */
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
  // For what changed between its reading and the watch.
  lookSoon();

  return {
    async read() {
      known = await readAll(paths);
      seen = known;
      return known;
    },

    close() {
      closed = true;
      clearTimeout(next);
      clearInterval(polling);
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** Reads a file out of contents. @throws {Error} whose `code` says why it could not be read. */
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
    return { text: await readFile(path, "utf8") };
  } catch (error) {
    return { code: String((error as { code?: unknown }).code) };
  }
}

function same(left: FileContents, right: FileContents): boolean {
  return JSON.stringify([...left]) === JSON.stringify([...right]);
}

/** The directories, not the files: a watch of a file ends with the file that another is put in place of. */
function watchDirectories(paths: readonly string[], onEvent: () => void): FSWatcher[] {
  const directories = new Set(paths.map((path) => dirname(path)));
  return [...directories].flatMap((directory) => {
    try {
      // A watch that fails later, as when its directory goes, leaves the files to the poll.
      return [watch(directory, onEvent).on("error", () => {})];
    } catch {
      return [];
    }
  });
}
