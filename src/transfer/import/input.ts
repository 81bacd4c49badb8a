import { randomUUID } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { CommandError, EXIT } from "../../server/failure.ts";
import { writeFully } from "../../server/output/write-fully.ts";
import { failingAt } from "../atomic-file.ts";

/** A file to read from its beginning, more than once. */
export type ImportInput = { name: string; fd: number; bytes: number; close: () => void };

/**
 * Opens what is to be imported. Standard input (`-`) is first written to a file in `tmp` of the data
 * directory, as it can be read only once.
 *
 * @throws {CommandError}
 */
export async function openInput(
  path: string,
  dataDirectory: string,
  standardInput: AsyncIterable<Uint8Array> = process.stdin,
): Promise<ImportInput> {
  if (path === "-") return toInput("standard input", await spool(standardInput, dataDirectory));
  return toInput(path, openFile(path));
}

function toInput(name: string, fd: number): ImportInput {
  return { name, fd, bytes: fstatSync(fd).size, close: () => closeSync(fd) };
}

function openFile(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    const { code } = error as { code?: string };
    const why = code === "ENOENT" ? "there is no such file" : code;
    throw new CommandError(EXIT.noInput, `cannot read ${path}: ${why}`);
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new CommandError(
    EXIT.noInput,
    `cannot read ${path}: it is no regular file; "-" reads a pipe`,
  );
}

async function spool(input: AsyncIterable<Uint8Array>, dataDirectory: string): Promise<number> {
  const directory = join(dataDirectory, "tmp");
  const path = join(directory, `import-${randomUUID()}`);
  const fd = failingAt(path, () => {
    mkdirSync(directory, { recursive: true });
    const opened = openSync(path, "wx+");
    // Without a name, the file is gone with this process, however that ends.
    rmSync(path);
    return opened;
  });
  for await (const chunk of input) failingAt(path, () => writeFully(fd, chunk));
  return fd;
}
