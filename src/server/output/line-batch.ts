import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";

/**
 * Collects the lines of one turn of the event loop, and calls `onTurnEnd` at its end: a system call for
 * each line would cost a request as much as its handler does.
 */
export function createLineBatch(onTurnEnd: () => void) {
  let lines: string[] = [];
  return {
    add(line: string): void {
      if (lines.length === 0) setImmediate(onTurnEnd);
      lines.push(line);
    },

    /** Removes the lines so far, and returns those that `keeps` allows as bytes, if there are any. */
    take(keeps: (line: string) => boolean = () => true): Buffer | undefined {
      const kept = lines.filter(keeps);
      lines = [];
      return kept.length === 0 ? undefined : Buffer.from(`${kept.join("\n")}\n`);
    },
  };
}
