import { expect, test } from "bun:test";
import { renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newDirectory } from "../../../test/service.ts";
import { rememberFiles } from "./same-files.ts";

function openFiles() {
  const path = join(newDirectory(), "books.db");
  for (const name of [path, `${path}-wal`]) writeFileSync(name, Buffer.alloc(4096));
  return { path, requireSameFiles: rememberFiles(path) };
}

const saying = (message: string) =>
  expect.objectContaining({
    code: "store_unavailable",
    cause: expect.objectContaining({ message: expect.stringContaining(message) }),
  });

test("files that grow, or a log that is emptied, are the same", () => {
  const { path, requireSameFiles } = openFiles();
  writeFileSync(path, Buffer.alloc(8192));
  truncateSync(`${path}-wal`);
  expect(requireSameFiles).not.toThrow();
});

for (const suffix of ["", "-wal"]) {
  test(`books.db${suffix}: a file that is gone is reported, and so is one that has taken its place`, () => {
    const { path, requireSameFiles } = openFiles();
    writeFileSync(`${path}.new`, Buffer.alloc(4096));
    rmSync(path + suffix);
    expect(requireSameFiles).toThrow(saying(`${path}${suffix} was removed`));
    renameSync(`${path}.new`, path + suffix);
    expect(requireSameFiles).toThrow(saying(`${path}${suffix} was replaced by another file`));
  });
}

test("a database that is cut is not the same", () => {
  const { path, requireSameFiles } = openFiles();
  truncateSync(path);
  expect(requireSameFiles).toThrow(saying(`${path} was cut`));
});
