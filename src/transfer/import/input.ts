import { closeSync, fstatSync, openSync } from "node:fs";
import process from "node:process";
import { CommandError, EXIT } from "../../server/failure.ts";
import { openSpool } from "../spool.ts";

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
  const { fd, write } = openSpool(dataDirectory);
  for await (const chunk of input) write(chunk);
  return fd;
}
