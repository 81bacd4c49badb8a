import { readFileSync, type Stats, statSync } from "node:fs";

/** More than thousands of keys, or any chain of certificates. */
const MAX_BYTES = 1024 * 1024;

/** Reads a secret's file. @throws {Error} as `ReadFile` of the configuration describes it. */
export function readSecretFile(path: string): string {
  requireSecretFile(path, statSync(path));
  return readFileSync(path, "utf8");
}

/**
 * Refuses what is no file of a usual size, before it is opened: to open a FIFO waits for somebody who
 * writes to it, perhaps for ever, and a device may have no end. The path may be a link to such a file.
 *
 * @throws {Error} whose `problem` names the path. It exists, so it is no secret in the wrong variable.
 */
export function requireSecretFile(path: string, stats: Stats): void {
  if (!stats.isFile()) throw unusable(path, `is ${kindOf(stats)}; name a regular file`);
  if (stats.size <= MAX_BYTES) return;
  throw unusable(path, `has ${stats.size} bytes; name a file of at most ${MAX_BYTES}`);
}

function unusable(path: string, what: string): Error {
  const problem = `names ${path}, which ${what}`;
  return Object.assign(new Error(problem), { problem });
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isFIFO()) return "a FIFO (named pipe)";
  return stats.isSocket() ? "a socket" : "a device";
}
