import { expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cpuShare } from "../../../test/cpu.ts";
import { newDirectory } from "../../../test/service.ts";
import { createLineWriter } from "./line-writer.ts";

/** A pipe on which a write fails when it is full, instead of waiting, as that of a runtime may. */
function openPipe() {
  const directory = newDirectory();
  const path = join(directory, "pipe");
  spawnSync("mkfifo", [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return { path, fd, out: join(directory, "out") };
}

test("more than a pipe holds is written whole, however slow its reader is", async () => {
  const { path, fd, out } = openPipe();
  const lines = Array.from({ length: 5000 }, (_, index) => `${index} ${"é".repeat(100)}`);
  const text = `${lines.join("\n")}\n`;
  const reader = spawn("sh", [
    "-c",
    `head -c ${Buffer.byteLength(text)} "$1" > "$2"`,
    "sh",
    path,
    out,
  ]);
  const { write, flush } = createLineWriter(fd);
  for (const line of lines) write(line);
  flush();
  await once(reader, "close");
  expect(readFileSync(out, "utf8")).toBe(text);
  closeSync(fd);
});

test("lines of one turn are written at its end, in their order and once", async () => {
  const { path, fd, out } = openPipe();
  const reader = spawn("sh", ["-c", 'head -n 3 "$1" > "$2"', "sh", path, out]);
  const { write, flush } = createLineWriter(fd);
  write("first");
  write("second");
  await new Promise((resolve) => setImmediate(resolve));
  flush();
  write("third");
  await once(reader, "close");
  expect(readFileSync(out, "utf8")).toBe("first\nsecond\nthird\n");
  closeSync(fd);
});

test("without a reader, nothing happens", () => {
  const { fd } = openPipe();
  closeSync(fd);
  const { write, flush } = createLineWriter(fd);
  write("lost");
  flush();
});

test("waiting for a slow reader takes next to no CPU time", async () => {
  const { path, fd, out } = openPipe();
  const bytes = 200_000;
  const reader = spawn("sh", ["-c", `sleep 0.5; head -c ${bytes} "$1" > "$2"`, "sh", path, out]);
  const { write, flush } = createLineWriter(fd);
  write("x".repeat(bytes - 1));
  expect(await cpuShare(flush)).toBeLessThan(0.5);
  await once(reader, "close");
  expect(readFileSync(out, "utf8")).toHaveLength(bytes);
  closeSync(fd);
});
