import { join } from "node:path";

/** Bytes that a container keeps and the kernel cannot drop, so without the page cache. */
export type Memory = { anon: number; shmem: number };

const CGROUPS = "/sys/fs/cgroup";

/** The memory charged to the cgroup of a process of this machine. */
export async function memoryOf(pid: number): Promise<Memory> {
  const directory = cgroupDirectory(await Bun.file(`/proc/${pid}/cgroup`).text());
  return parseMemory(await Bun.file(join(directory, "memory.stat")).text());
}

/** The directory that accounts for memory, from /proc/PID/cgroup, in either version of cgroups. */
export function cgroupDirectory(text: string): string {
  const version1 = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(text)?.[1];
  if (version1 !== undefined) return join(CGROUPS, "memory", version1);
  const version2 = /^0::(.*)$/m.exec(text)?.[1];
  if (version2 === undefined) throw new Error("the process is in no cgroup");
  return join(CGROUPS, version2);
}

/** Reads memory.stat, where version 1 of cgroups calls `rss` what version 2 calls `anon`. */
export function parseMemory(stat: string): Memory {
  const value = (name: string) => new RegExp(`^${name} (\\d+)$`, "m").exec(stat)?.[1];
  const anon = value("anon") ?? value("rss");
  const shmem = value("shmem");
  if (anon === undefined || shmem === undefined)
    throw new Error("memory.stat has no anonymous or no shared memory");
  return { anon: Number(anon), shmem: Number(shmem) };
}
