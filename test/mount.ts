import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether tests may mount file systems here: small ones to fill, and read-only ones. */
export const mayMount = probeMount();

/** The end of a test's name if it cannot run because mounting is not allowed. */
export const MOUNTING = mayMount ? "" : " (not run: it needs the right to mount a file system)";

/**
 * Mounts a file system in memory at a directory, or changes the one there.
 *
 * @returns a function that removes it again.
 */
export function mountAt(directory: string, options: string): () => void {
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", directory]);
  if (status !== 0) throw new Error(`mount: ${stderr}`);
  return () => void spawnSync("umount", ["-l", directory]);
}

function probeMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const directory = mkdtempSync(join(tmpdir(), "thimble-mount-"));
  const { status } = spawnSync("mount", ["-t", "tmpfs", "tmpfs", directory]);
  if (status === 0) spawnSync("umount", [directory]);
  rmSync(directory, { recursive: true });
  return status === 0;
}
