import process from "node:process";

const MIB = 1024 * 1024;

/** Where there is no other limit, and where nearly nothing is left. */
const MOST = 256 * MIB;
const LEAST = 4 * MIB;

/**
 * How many bytes requests and answers in flight may hold: half of what the container's limit leaves. The other half
 * is for what is thrown away and not collected yet.
 */
export function memoryBudget(): number {
  const left = process.constrainedMemory() - process.memoryUsage.rss();
  return Math.min(MOST, Math.max(LEAST, left / 2));
}
