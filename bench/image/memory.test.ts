import { expect, test } from "bun:test";
import { cgroupDirectory, parseMemory } from "./memory.ts";

test("the cgroup of memory is found in either version of cgroups", () => {
  const version1 = "5:cpu,cpuacct:/a\n4:memory:/docker/abc\n0::/unified\n";
  expect(cgroupDirectory(version1)).toBe("/sys/fs/cgroup/memory/docker/abc");
  expect(cgroupDirectory("0::/system.slice/docker-abc.scope\n")).toBe(
    "/sys/fs/cgroup/system.slice/docker-abc.scope",
  );
  expect(() => cgroupDirectory("")).toThrow("no cgroup");
});

test("memory is read in either version of cgroups", () => {
  expect(parseMemory("anon 10\nfile 99\nshmem 3\n")).toEqual({ anon: 10, shmem: 3 });
  const version1 = "cache 99\nrss 10\nrss_huge 0\nshmem 3\ntotal_rss 77\n";
  expect(parseMemory(version1)).toEqual({ anon: 10, shmem: 3 });
  expect(() => parseMemory("cache 99\n")).toThrow("has no anonymous or no shared memory");
});
