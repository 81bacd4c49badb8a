import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { cpuShare } from "../../../test/cpu.ts";
import { MOUNTING, mayMount, mountAt } from "../../../test/mount.ts";
import { eventually, newDirectory } from "../../../test/service.ts";
import { createLogOutput } from "./log-output.ts";

const LINE = "é".repeat(500);

/** A pipe whose writes wait, as those of a container's log do, and a function that reads from it. */
function openPipe() {
  const path = join(newDirectory(), "pipe");
  spawnSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const fd = openSync(path, constants.O_WRONLY);
  const chunk = new Uint8Array(64 * 1024);
  const decoder = new TextDecoder();
  let text = "";
  function read(): string {
    try {
      for (;;) text += decoder.decode(chunk.subarray(0, readSync(reader, chunk)), { stream: true });
    } catch {
      return text;
    }
  }
  return { fd, read };
}

/** Writes to it, and reports lost lines as the service does. */
function open({ fd }: { fd: number }, limits: { maxBytes?: number; flushLimitMs?: number } = {}) {
  const output = createLogOutput({
    fd,
    onLost: (lines) => output.write(`lost ${lines}`),
    ...limits,
  });
  return output;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("lines of one turn are written at its end, in their order and once", async () => {
  const pipe = openPipe();
  const { write, flush } = open(pipe);
  write("first");
  write("second");
  expect(pipe.read()).toBe("");
  await turn();
  expect(pipe.read()).toBe("first\nsecond\n");
  write("third");
  flush();
  flush();
  expect(pipe.read()).toBe("first\nsecond\nthird\n");
});

test("lines that the pipe does not accept wait, and are whole when its reader is back", async () => {
  const pipe = openPipe();
  const { write } = open(pipe);
  const lines = Array.from({ length: 500 }, (_, index) => `${index} ${LINE}`);
  for (const line of lines) {
    write(line);
    if (line.startsWith("4")) await turn();
  }
  const text = `${lines.join("\n")}\n`;
  await eventually("the text", () => pipe.read().length >= text.length || undefined);
  expect(pipe.read()).toBe(text);
});

test("further lines are lost, counted, and reported when the reader is back", async () => {
  const pipe = openPipe();
  const { write } = open(pipe, { maxBytes: 100_000 });
  for (let index = 0; index < 300; index += 1) {
    write(`${index} ${LINE}`);
    await turn();
  }
  const told = await eventually("the loss", () => /lost (\d+)\n$/.exec(pipe.read()) ?? undefined);
  const lines = pipe.read().trimEnd().split("\n").slice(0, -1);
  expect(lines).toEqual(lines.map((_, index) => `${index} ${LINE}`));
  expect(Number(told[1])).toBe(300 - lines.length);
  write("after");
  await eventually("what comes after", () => pipe.read().endsWith("\nafter\n") || undefined);
});

test("8 MiB of lines wait for a slow reader, and no more", async () => {
  const pipe = openPipe();
  const { write } = open(pipe);
  const line = "x".repeat(1023);
  for (let index = 0; index < 9000; index += 1) {
    write(line);
    if (index % 1024 === 1023) await turn();
  }
  const [, lost] = await eventually(
    "the loss",
    () => /lost (\d+)\n$/.exec(pipe.read()) ?? undefined,
  );
  // Of nine turns, the last does not fit: eight times 1024 lines of 1024 bytes are kept.
  expect(Number(lost)).toBe(9000 - 8192);
});

test("waiting for a slow reader takes next to no CPU time, also at the end", async () => {
  const pipe = openPipe();
  const { write, flush } = open(pipe, { flushLimitMs: 500 });
  for (let index = 0; index < 300; index += 1) write(LINE);
  expect(await cpuShare(() => Bun.sleep(500))).toBeLessThan(0.5);
  expect(await cpuShare(flush)).toBeLessThan(0.5);
});

test("an end waits for a reader that is not there no longer than its limit", () => {
  const pipe = openPipe();
  const { write, flush } = open(pipe, { flushLimitMs: 20 });
  for (let index = 0; index < 300; index += 1) write(LINE);
  flush();
  const [first = ""] = pipe.read().split("\n");
  expect(first).toBe(LINE);
});

test("without a reader, nothing happens, and an end does not wait", () => {
  const { fd } = openPipe();
  closeSync(fd);
  const { write, flush } = open({ fd }, { flushLimitMs: 600_000 });
  write("lost");
  flush();
});

/** A file on a disk that has room for 64 KiB. */
function openOnSmallDisk() {
  const directory = newDirectory();
  const unmount = mountAt(directory, "size=64k");
  const path = join(directory, "log");
  return {
    fd: openSync(path, "a"),
    read: () => readFileSync(path, "utf8"),
    makeRoom: () => void mountAt(directory, "remount,size=16m"),
    [Symbol.dispose]: unmount,
  };
}

test.if(mayMount)(
  `lines for a full disk wait up to the limit, and further lines are counted${MOUNTING}`,
  async () => {
    using disk = openOnSmallDisk();
    const { write } = open(disk, { maxBytes: 100_000 });
    for (let index = 0; index < 300; index += 1) {
      write(`${index} ${LINE}`);
      await turn();
    }
    expect(disk.read()).not.toEndWith("\n");
    disk.makeRoom();
    const told = await eventually("the loss", () => /lost (\d+)\n$/.exec(disk.read()) ?? undefined);
    const lines = disk.read().trimEnd().split("\n").slice(0, -1);
    expect(lines.length).toBeGreaterThan(150);
    expect(lines).toEqual(lines.map((_, index) => `${index} ${LINE}`));
    expect(Number(told[1])).toBe(300 - lines.length);
    write("after");
    await eventually("what comes after", () => disk.read().endsWith("\nafter\n") || undefined);
  },
);

test.if(mayMount)(
  `an end waits for room on a full disk no longer than its limit${MOUNTING}`,
  () => {
    using disk = openOnSmallDisk();
    const { write, flush } = open(disk, { flushLimitMs: 20 });
    for (let index = 0; index < 300; index += 1) write(LINE);
    flush();
    expect(disk.read().split("\n")[0]).toBe(LINE);
    disk.makeRoom();
    flush();
    expect(disk.read()).toBe(`${LINE}\n`.repeat(300));
  },
);
