import { readdirSync, readFileSync } from "node:fs";

/** How often the kernel counts in /proc: `USER_HZ`, which is 100 on every machine that Bun runs on. */
const TICKS_PER_SECOND = 100;

/**
 * The CPU time that a process and its children have used, in microseconds: user and system time of all threads,
 * also of those that have ended. Its steps are 10 ms.
 *
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function cpuTime(pid: number): number {
  const ticks = ticksOf(readFileSync(`/proc/${pid}/stat`, "utf8"));
  const children = childrenOf(pid).map(cpuTimeOfChild);
  return children.reduce((sum, time) => sum + time, (ticks / TICKS_PER_SECOND) * 1e6);
}

/** A child that ends while it is looked at counts for its parent, which waits for it. */
function cpuTimeOfChild(pid: number): number {
  try {
    return cpuTime(pid);
  } catch (error) {
    if (isGone(error)) return 0;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "ENOENT" || code === "ESRCH";
}

/** The ticks in a line from /proc/PID/stat: for the process itself, and for the children that it has waited for. */
export function ticksOf(stat: string): number {
  // The program's name, in parentheses, may hold spaces and parentheses. The state, field 3, follows it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number);
  return (utime ?? 0) + (stime ?? 0) + (cutime ?? 0) + (cstime ?? 0);
}

/**
 * The memory of a process and its children that the kernel cannot drop, in bytes: without the pages of the executable,
 * of which more are read the more of it is used.
 */
export function anonymousBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const own = Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1]) * 1024;
  return childrenOf(pid).reduce((sum, child) => sum + anonymousBytes(child), own);
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    (readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").match(/\d+/g) ?? []).map(Number),
  );
}
