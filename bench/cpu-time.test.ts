import { expect, test } from "bun:test";
import { anonymousBytes, cpuTime, ticksOf } from "./cpu-time.ts";

/** Far more than this process uses itself, in microseconds. */
const BUSY = 200_000;

test("a process's ticks are user and system time, its own and of children that ended", () => {
  const stat = "7 (a b) c) S 1 7 7 0 -1 4194560 9 8 0 0 100 20 3 4 20 0 1 0 5 6 7";
  expect(ticksOf(stat)).toBe(127);
});

test("time and memory of a running child count for its parent", () => {
  const busy = `while (process.cpuUsage().user < ${BUSY}); setTimeout(() => {}, 60_000)`;
  const child = Bun.spawn([process.execPath, "--eval", busy], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  try {
    const before = cpuTime(process.pid) - cpuTime(child.pid);
    while (cpuTime(child.pid) < BUSY) Bun.sleepSync(5);
    const [own, memory] = [cpuTime(child.pid), anonymousBytes(child.pid)];
    expect(cpuTime(process.pid)).toBeGreaterThanOrEqual(before + own);
    expect(anonymousBytes(process.pid)).toBeGreaterThan(memory);
  } finally {
    child.kill("SIGKILL");
  }
});
