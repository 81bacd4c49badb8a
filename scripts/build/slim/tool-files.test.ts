import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCommonData } from "./common-data.ts";
import { madeUpExecutable } from "./made-up.ts";
import { clearToolFiles, withoutToolFiles } from "./tool-files.ts";

const FRAME = Bun.zstdCompressSync("the texts of a linter ".repeat(9));
/** It begins like a frame, and is none. */
const CODE = Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 7, 7, 7, 7);
const NONE = { count: 0, bytes: 0 };
const ONE = { count: 1, bytes: FRAME.length };

const start = madeUpExecutable();
const file = Buffer.concat([start, CODE, FRAME, CODE]);

test("zeros take the place of a tool's file, and all else stays", () => {
  const zeros = Buffer.alloc(FRAME.length);
  const expected = Buffer.concat([start, CODE, zeros, CODE]);
  expect(expected.equals(withoutToolFiles(file, ONE))).toBe(true);
});

test("ICU's data stays", () => {
  const { items } = findCommonData(Buffer.from(withoutToolFiles(start, NONE)));
  expect(items).toEqual(findCommonData(Buffer.from(start)).items);
});

describe("an executable is refused", () => {
  test("with another number of files", () => {
    expect(() => withoutToolFiles(file, { ...ONE, count: 2 })).toThrow(
      `has 1 files of Bun's tools of ${FRAME.length} bytes; expected were 2 of ${FRAME.length}`,
    );
  });

  test("with files of another size, and stays as it was", async () => {
    const directory = mkdtempSync(join(tmpdir(), "thimble-tools-"));
    const path = join(directory, "program");
    writeFileSync(path, file);
    const message = await clearToolFiles(path).catch(({ message }) => message);
    expect(message).toContain("SLIM=false leaves them");
    expect(file.equals(readFileSync(path))).toBe(true);
    rmSync(directory, { recursive: true });
  });
});
