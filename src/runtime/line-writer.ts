import { Buffer } from "node:buffer";
import { writeSync } from "node:fs";
import { setImmediate } from "node:timers";

const FULL_PIPE_PAUSE_MS = 1;

export type LineWriter = { write: (line: string) => void; flush: () => void };

/**
 * Writes lines to a file descriptor, those of one turn of the event loop at once: a system call for
 * each would cost a request as much as its handler does. `flush` writes what is left, before an exit.
 */
export function createLineWriter(fd: number): LineWriter {
  let lines: string[] = [];
  function flush(): void {
    if (lines.length === 0) return;
    const text = `${lines.join("\n")}\n`;
    lines = [];
    writeAll(fd, Buffer.from(text));
  }
  return {
    write(line) {
      if (lines.length === 0) setImmediate(flush);
      lines.push(line);
    },
    flush,
  };
}

function writeAll(fd: number, bytes: Buffer): void {
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      const { code } = error as { code?: string };
      // Nobody reads any more; the service does not end because its log does.
      if (code !== "EAGAIN") return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_PAUSE_MS);
    }
  }
}
