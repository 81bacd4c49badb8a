import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

const MICROSECONDS = 1e6;
const KIB = 1024;

/** When this process began, in seconds since the Unix epoch. */
export function processStartTime(): number {
  return Date.now() / 1000 - process.uptime();
}

/** CPU time that this process has used, in seconds. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / MICROSECONDS;
}

/** Address space in bytes; like what follows, only where there is a /proc and it may be read. */
export function virtualBytes(): number | undefined {
  return numberIn("status", /^VmSize:\s+(\d+) kB$/m, KIB);
}

export function maxFds(): number | undefined {
  return numberIn("limits", /^Max open files\s+(\d+)/m);
}

export function openFds(): number | undefined {
  // But that by which the directory is read.
  return readProc(() => readdirSync("/proc/self/fd").length - 1);
}

function numberIn(file: string, pattern: RegExp, unit = 1): number | undefined {
  const text = readProc(() => readFileSync(`/proc/self/${file}`, "utf8"));
  const digits = text && pattern.exec(text)?.[1];
  return digits ? Number(digits) * unit : undefined;
}

/** Deno lets nobody read it, and some systems have none. */
function readProc<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
