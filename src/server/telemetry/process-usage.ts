import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers";

const MICROSECONDS = 1e6;
const KIB = 1024;
const LAG_INTERVAL_MS = 100;

/** When this process began, in seconds since the Unix epoch. */
export function processStartTime(): number {
  return Date.now() / 1000 - process.uptime();
}

/** CPU time that this process has used, in seconds. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / MICROSECONDS;
}

/** Where Linux reports on a process. Deno lets no program read it, and other systems have none. */
const PROC = "/proc/self";

/** Address space in bytes, where the system reports it. */
export function virtualBytes(proc = PROC): number | undefined {
  return numberIn(`${proc}/status`, /^VmSize:\s+(\d+) kB$/m, KIB);
}

export function maxFds(proc = PROC): number | undefined {
  return numberIn(`${proc}/limits`, /^Max open files\s+(\d+)/m);
}

export function openFds(proc = PROC): number | undefined {
  // Without the one that reads the directory.
  return whereReadable(() => readdirSync(`${proc}/fd`).length - 1);
}

function numberIn(file: string, pattern: RegExp, unit = 1): number | undefined {
  const text = whereReadable(() => readFileSync(file, "utf8"));
  const digits = text && pattern.exec(text)?.[1];
  return digits ? Number(digits) * unit : undefined;
}

function whereReadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/**
 * Reports ten times a second how late a timer fired, in seconds. It uses a timer because
 * `monitorEventLoopDelay` measures something else on Node than on Bun and Deno.
 */
export function watchEventLoopLag(report: (seconds: number) => void): void {
  const dueAt = performance.now() + LAG_INTERVAL_MS;
  const timer = setTimeout(() => {
    report(Math.max(0, performance.now() - dueAt) / 1000);
    watchEventLoopLag(report);
  }, LAG_INTERVAL_MS);
  // Measuring must not keep the process alive.
  timer.unref();
}
