import { writeSync } from "node:fs";

const FULL_PIPE_PAUSE_MS = 1;

/** Writes all of the bytes, however slow the reader is. @throws {Error} whose `code` is the reason of a failure. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      if ((error as { code?: string }).code !== "EAGAIN") throw error;
      sleepSync(FULL_PIPE_PAUSE_MS);
    }
  }
}

/** Stops this thread, and everything that waits for its event loop. */
export function sleepSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
