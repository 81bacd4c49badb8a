import { constants } from "node:os";
import process from "node:process";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** Ctrl-C reaches a process from the terminal and, if npm started it, a second time from its parent. */
const ECHO_MS = 500;

type Request = { signal: string; at: number };

/**
 * Resolves with the first signal that asks the process to end. The next one ends it at once, with the
 * exit code that shells use for that signal.
 */
export function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    let first: Request | undefined;
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (first === undefined) {
          first = { signal, at: performance.now() };
          resolve(signal);
        } else if (!isEcho(signal, first)) {
          process.exit(128 + constants.signals[signal]);
        }
      });
    }
  });
}

function isEcho(signal: string, first: Request): boolean {
  return signal === "SIGINT" && first.signal === "SIGINT" && performance.now() - first.at < ECHO_MS;
}

/** Calls the listener at every SIGHUP, which no longer ends the process. */
export function onHangup(listener: () => void): void {
  process.on("SIGHUP", listener);
}
