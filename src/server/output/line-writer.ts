import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import { writeFully } from "./write-fully.ts";

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

/** Nobody reads any more: the service does not end because its log does. */
function writeAll(fd: number, bytes: Buffer): void {
  try {
    writeFully(fd, bytes);
  } catch {}
}
