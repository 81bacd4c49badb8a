import { Buffer } from "node:buffer";
import { constants, fstatSync, openSync, writeSync } from "node:fs";
import process from "node:process";
import { setImmediate } from "node:timers";
import { sleepSync } from "./write-fully.ts";

/** Kept for a reader that does not keep up, or a full disk; some 30,000 requests. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

const FIRST_RETRY_MS = 1;
const LONGEST_RETRY_MS = 100;
const FLUSH_LIMIT_MS = 2000;

/** Writing fails so where nobody will ever read: the end of a pipe, a socket or a terminal, or no output at all. */
const NOBODY_READS = new Set(["EPIPE", "ECONNRESET", "EIO", "EBADF"]);

/** Loading what makes a socket's writes return at once takes 20 ms, so it waits until the service listens. */
const UNBLOCK_SOCKET_AFTER_MS = 1000;

type LogOutputOptions = {
  fd: number;
  /** Is told, when lines are taken again, of those that there was no room for. */
  onLost: (lines: number) => void;
  maxBytes?: number;
  flushLimitMs?: number;
};

export type LogOutput = {
  write: (line: string) => void;
  /** Writes what waits before an exit, and gives up after two seconds. */
  flush: () => void;
};

/**
 * Writes a service's log. Those lines of one turn of the event loop are written at once; where the reader
 * does not keep up or the disk is full, they wait in memory, and the event loop goes on. What is more than
 * may wait is lost, and counted.
 */
export function createLogOutput(options: LogOutputOptions): LogOutput {
  const { onLost, maxBytes = MAX_WAITING_BYTES, flushLimitMs = FLUSH_LIMIT_MS } = options;
  const fd = unblocked(options.fd);
  let lines: string[] = [];
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let retryMs = FIRST_RETRY_MS;
  let retry: ReturnType<typeof setTimeout> | undefined;

  /** Once one is lost, so are those behind it, until the reader is back: what is there has no gaps. */
  function fits(line: string): boolean {
    const bytes = Buffer.byteLength(line) + 1;
    if (lost > 0 || waitingBytes + bytes > maxBytes) {
      lost += 1;
      return false;
    }
    waitingBytes += bytes;
    return true;
  }

  function keepTurn(): void {
    const kept = lines.filter(fits);
    lines = [];
    if (kept.length > 0) waiting.push(Buffer.from(`${kept.join("\n")}\n`));
  }

  /** Writes as much as the reader takes now. Says whether that is all. */
  function drain(): boolean {
    let whole = 0;
    for (const chunk of waiting) {
      const written = writeSome(fd, chunk);
      waitingBytes -= written;
      if (written > 0) retryMs = FIRST_RETRY_MS;
      if (written < chunk.length) {
        waiting[whole] = chunk.subarray(written);
        break;
      }
      whole += 1;
    }
    waiting.splice(0, whole);
    return waiting.length === 0;
  }

  /** Says what was lost as soon as there is somebody to read it. */
  function drainAll(): boolean {
    keepTurn();
    if (!drain()) return false;
    if (lost === 0) return true;
    const count = lost;
    lost = 0;
    onLost(count);
    keepTurn();
    return drain();
  }

  function send(): void {
    if (retry !== undefined) keepTurn();
    else if (!drainAll()) retryLater();
  }

  function retryLater(): void {
    retry = setTimeout(() => {
      retry = undefined;
      send();
    }, retryMs);
    retry.unref();
    retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
  }

  return {
    write(line) {
      if (lines.length === 0) setImmediate(send);
      lines.push(line);
    },

    flush() {
      const deadline = performance.now() + flushLimitMs;
      while (!drainAll() && performance.now() < deadline) sleepSync(FIRST_RETRY_MS);
    },
  };
}

/**
 * How many of the bytes are written now: fewer than all where a reader does not keep up or a disk is full.
 * Where nobody reads any more, all are: the service goes on.
 */
function writeSome(fd: number, bytes: Buffer): number {
  let offset = 0;
  try {
    while (offset < bytes.length) offset += writeSync(fd, bytes, offset);
    return offset;
  } catch (error) {
    return NOBODY_READS.has((error as { code?: string }).code ?? "") ? bytes.length : offset;
  }
}

/**
 * A descriptor for the same output on which a write returns at once. A pipe is opened once more, for
 * whoever else has it goes by the mode of the one that is shared.
 */
function unblocked(fd: number): number {
  try {
    const stats = fstatSync(fd);
    if (stats.isSocket()) setTimeout(() => void process.stdout, UNBLOCK_SOCKET_AFTER_MS).unref();
    if (!stats.isFIFO()) return fd;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return fd;
  }
}
