import { writeSync } from "node:fs";

const FULL_PIPE_PAUSE_MS = 1;

/** Writes all of the bytes, however slowly they are read. @throws {Error} whose `code` says why it cannot. */
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

/** Stops this thread, and all that waits for its event loop, for so long. */
export function sleepSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
