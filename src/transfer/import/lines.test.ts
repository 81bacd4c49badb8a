import { expect, test } from "bun:test";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inTemporaryDirectory } from "../../../test/service.ts";
import { LINE_MAX_BYTES, readLines } from "./lines.ts";

function linesOf(content: string | Uint8Array) {
  return inTemporaryDirectory(async (directory) => {
    const path = join(directory, "lines");
    writeFileSync(path, content);
    const fd = openSync(path, "r");
    const read: number[] = [];
    const lines = [...readLines(fd, (chunk) => void read.push(chunk.length))];
    closeSync(fd);
    expect(read.reduce((sum, length) => sum + length, 0)).toBe(Buffer.from(content).length);
    return lines;
  });
}

test("lines keep their numbers and offsets, whatever chunk they are in", async () => {
  const texts = Array.from({ length: 20_000 }, (_, index) => "é".repeat(index % 40) + index);
  const lines = await linesOf(texts.join("\n"));
  expect(lines.map(({ text }) => text)).toEqual(texts);
  expect(lines.map(({ number }) => number)).toEqual(texts.map((_, index) => index + 1));
  expect(lines.at(-1)?.end).toBe(Buffer.byteLength(texts.join("\n")));
});

test("the longest line that is allowed, and one that is longer", async () => {
  const longest = "x".repeat(LINE_MAX_BYTES);
  const tooLong = { problem: `is longer than ${LINE_MAX_BYTES} bytes` };
  for (const between of [1, 1_000_000]) {
    const content = [longest, longest + "x".repeat(between), "last", `${longest}y`].join("\n");
    expect(await linesOf(content)).toMatchObject([
      { number: 1, text: longest },
      { number: 2, ...tooLong },
      { number: 3, text: "last" },
      { number: 4, ...tooLong },
    ]);
  }
});

test("bytes that are no UTF-8 are said by their line", async () => {
  const content = Buffer.concat([Buffer.from("one\n"), Buffer.of(0xff, 0x0a), Buffer.from("two")]);
  expect(await linesOf(content)).toMatchObject([
    { text: "one" },
    { number: 2, problem: "is not UTF-8" },
    { text: "two" },
  ]);
});
