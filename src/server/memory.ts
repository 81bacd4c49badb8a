import process from "node:process";

const MIB = 1024 * 1024;

/** Where there is no other limit, and where nearly nothing is left. */
const MOST = 256 * MIB;
const LEAST = 4 * MIB;

/** How many bytes the limit of the container, or else the machine, leaves this process. */
export function memoryLeft(): number {
  return process.constrainedMemory() - process.memoryUsage.rss();
}

/**
 * How many bytes requests and answers in flight may hold: half of what is left. The other half is for what is
 * thrown away and not collected yet.
 */
export function memoryBudget(left = Number.POSITIVE_INFINITY): number {
  return Math.min(MOST, Math.max(LEAST, left / 2));
}
