import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";

/**
 * Collects the lines of one turn of the event loop, and calls `onTurnEnd` at its end: a system call for
 * each line would cost a request as much as its handler does.
 */
export function createLineBatch(onTurnEnd: () => void) {
  let text = "";
  let lines = 0;
  return {
    add(line: string): void {
      if (lines === 0) setImmediate(onTurnEnd);
      lines += 1;
      text += `${line}\n`;
    },

    /** Removes the lines so far, and returns their number and their bytes. */
    take(): { lines: number; bytes: Buffer } {
      const taken = { lines, bytes: Buffer.from(text) };
      text = "";
      lines = 0;
      return taken;
    },
  };
}
