import { randomUUID } from "node:crypto";
import { mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFully } from "../server/output/write-fully.ts";
import { failingAt } from "./atomic-file.ts";

/** A file without a name. `write` adds to its end. */
type Spool = { fd: number; write: (bytes: Uint8Array) => void };

/**
 * Opens an empty file in `tmp` of the data directory, to write and then to read. It has no name any more, so
 * it is gone with this process, however that ends.
 *
 * @throws {CommandError}
 */
export function openSpool(dataDirectory: string): Spool {
  const directory = join(dataDirectory, "tmp");
  const path = join(directory, `spool-${randomUUID()}`);
  return failingAt(path, () => {
    mkdirSync(directory, { recursive: true });
    const fd = openSync(path, "wx+");
    rmSync(path);
    const write = (bytes: Uint8Array) => failingAt(path, () => writeFully(fd, bytes));
    return { fd, write };
  });
}
