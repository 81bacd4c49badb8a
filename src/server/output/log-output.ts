import type { Buffer } from "node:buffer";
import { constants, fstatSync, openSync, writeSync } from "node:fs";
import process from "node:process";
import { createLineBatch } from "./line-batch.ts";
import { sleepSync } from "./write-fully.ts";

/** Kept for a slow reader or a full disk: the lines of some 30,000 requests. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

const FIRST_RETRY_MS = 1;
const LONGEST_RETRY_MS = 100;
const FLUSH_LIMIT_MS = 2000;

/** Errors of a write that nobody will ever read: a closed pipe, socket or terminal, or no output at all. */
const NOBODY_READS = new Set(["EPIPE", "ECONNRESET", "EIO", "EBADF"]);

/** Making a socket's writes return at once takes 20 ms of loading, so it waits until the service listens. */
const UNBLOCK_SOCKET_AFTER_MS = 1000;

type LogOutputOptions = {
  fd: number;
  /** Receives the number of lost lines when the reader is back. */
  onLost: (lines: number) => void;
  maxBytes?: number;
  flushLimitMs?: number;
};

/**
 * Writes a service's log. The lines of one turn of the event loop are written at once. Where the reader is
 * slow or the disk is full, they wait in memory, up to 8 MiB, and the event loop goes on. Further lines are
 * lost, and counted.
 */
export function createLogOutput(options: LogOutputOptions) {
  const { onLost, maxBytes = MAX_WAITING_BYTES, flushLimitMs = FLUSH_LIMIT_MS } = options;
  const fd = unblocked(options.fd);
  const batch = createLineBatch(send);
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let retryMs = FIRST_RETRY_MS;
  let retry: ReturnType<typeof setTimeout> | undefined;

  /** After a lost line, all lines are lost until the reader is back, so that the log has no gaps. */
  function keepTurn(): void {
    const { lines, bytes } = batch.take();
    if (lost > 0 || waitingBytes + bytes.length > maxBytes) {
      lost += lines;
      return;
    }
    waitingBytes += bytes.length;
    if (lines > 0) waiting.push(bytes);
  }

  /** Writes what the reader accepts now. @returns whether that is all. */
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

  /** Reports lost lines as soon as somebody reads. */
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
    write: batch.add,

    /** Writes the waiting lines before an exit, and gives up after two seconds. */
    flush(): void {
      const deadline = performance.now() + flushLimitMs;
      while (!drainAll() && performance.now() < deadline) sleepSync(FIRST_RETRY_MS);
    },
  };
}

/**
 * @returns how many bytes are written now: fewer than all where the reader is slow or the disk full, and
 * all where nobody reads any more, so that the service goes on.
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
 * A descriptor for the same output on which a write returns at once. A pipe is opened again, as other
 * processes share the mode of the given descriptor.
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
