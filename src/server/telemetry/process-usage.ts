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

/** Where Linux tells a process of itself. Deno lets no program read it, and other systems have none. */
const PROC = "/proc/self";

/** Address space in bytes, where the system says. */
export function virtualBytes(proc = PROC): number | undefined {
  return numberIn(`${proc}/status`, /^VmSize:\s+(\d+) kB$/m, KIB);
}

export function maxFds(proc = PROC): number | undefined {
  return numberIn(`${proc}/limits`, /^Max open files\s+(\d+)/m);
}

export function openFds(proc = PROC): number | undefined {
  // But that by which the directory is read.
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
