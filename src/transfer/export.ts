import { Buffer } from "node:buffer";
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
} from "node:fs";
import type { Resource } from "../resources/resource.ts";
import { CommandError, EXIT } from "../server/failure.ts";
import { writeFully } from "../server/output/write-fully.ts";
import { failingAt, prepareAtomicFile } from "./atomic-file.ts";
import { entryPages } from "./copy.ts";
import { parseImportLine } from "./import/line.ts";
import { LINE_MAX_BYTES } from "./import/lines.ts";
import { openResource, type ResourceSource } from "./open.ts";
import { createProgress } from "./progress.ts";
import { openSpool } from "./spool.ts";

/** Nobody reads any more what is written. */
export class BrokenPipeError extends Error {}

const COPY_BYTES = 256 * 1024;

type Output = { write: (bytes: Uint8Array) => void; after: number };

/**
 * Writes entries as NDJSON, by id, in one state of the database. A database that has to keep a state for a
 * slow reader grows without limit, so a pipe is written after the state has been given up.
 *
 * @returns their number.
 * @throws {BrokenPipeError} when the reader of a pipe has gone.
 */
export async function exportToPipe(fd: number, source: ResourceSource): Promise<number> {
  const { dataDirectory } = source.config;
  const spool = fstatSync(fd).isFile() ? undefined : openSpoolIfPossible(dataDirectory);
  if (spool === undefined) {
    return writeEntries(source, { write: (bytes) => writeToPipe(fd, bytes), after: 0 });
  }
  try {
    const entries = await writeEntries(source, { write: spool.write, after: 0 });
    for (const bytes of chunksOf(spool.fd)) writeToPipe(fd, bytes);
    return entries;
  } finally {
    closeSync(spool.fd);
  }
}

/** A container may have no directory that can be written, and needs none for this. */
function openSpoolIfPossible(dataDirectory: string): ReturnType<typeof openSpool> | undefined {
  try {
    return openSpool(dataDirectory);
  } catch {
    return undefined;
  }
}

function* chunksOf(fd: number): Generator<Uint8Array> {
  const buffer = Buffer.alloc(COPY_BYTES);
  for (let position = 0; ; ) {
    const bytes = readSync(fd, buffer, 0, buffer.length, position);
    if (bytes === 0) return;
    yield buffer.subarray(0, bytes);
    position += bytes;
  }
}

function writeToPipe(fd: number, bytes: Uint8Array): void {
  failingAt("standard output", () => {
    try {
      writeFully(fd, bytes);
    } catch (error) {
      throw (error as { code?: unknown }).code === "EPIPE" ? new BrokenPipeError() : error;
    }
  });
}

type ExportOptions = {
  /** Whether to go on after the last whole line of an export that was cut short. */
  resume: boolean;
  /** Reports where the part of a failed export is. */
  report: (line: string) => void;
};

/** Exports into a file. @returns the number of entries, and the id after which it was resumed. */
export async function exportToFile(
  path: string,
  source: ResourceSource,
  { resume, report }: ExportOptions,
): Promise<{ entries: number; after: number | undefined }> {
  const file = prepareAtomicFile(path, source.config.database, { resumable: true });
  const isResumed = resume && existsSync(file.part);
  const after = isResumed
    ? failingAt(file.part, () => lastWholeEntry(source.resource, file.part))
    : 0;
  const fd = failingAt(file.part, () => openSync(file.part, isResumed ? "a" : "w"));
  const write = (bytes: Uint8Array) => failingAt(file.part, () => writeFully(fd, bytes));
  try {
    const entries = await writeEntries(source, { write, after });
    file.commit();
    return { entries, after: isResumed ? after : undefined };
  } catch (error) {
    if (statSync(file.part).size === 0) file.discard();
    else report(`What is done is in ${file.part}; --resume goes on from there`);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Cuts off what follows the last whole line of an export, and returns the id of that line's entry. */
function lastWholeEntry(resource: Resource, part: string): number {
  const fd = openSync(part, "r+");
  try {
    const { size } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, 2 * LINE_MAX_BYTES));
    const start = size - tail.length;
    readSync(fd, tail, 0, tail.length, start);
    const end = tail.lastIndexOf("\n");
    const line = tail.subarray(tail.subarray(0, Math.max(end, 0)).lastIndexOf("\n") + 1, end + 1);
    const isEmpty = end === -1 && start === 0;
    const id = isEmpty ? 0 : parseImportLine(resource, line.toString()).entry?.id;
    if (id === undefined) throw new CommandError(EXIT.data, `${part} is no part of an export`);
    ftruncateSync(fd, start + end + 1);
    return id;
  } finally {
    closeSync(fd);
  }
}

async function writeEntries(source: ResourceSource, { write, after }: Output): Promise<number> {
  const { resource } = source;
  const database = await openResource(source, "read");
  const progress = createProgress("Exporting", resource.name);
  try {
    return await database.read(async (snapshot) => {
      const total = await snapshot.count(resource);
      let entries = 0;
      for await (const page of entryPages(snapshot, resource, after)) {
        write(Buffer.from(page.map((entry) => `${JSON.stringify(entry)}\n`).join("")));
        entries += page.length;
        progress.update(entries, entries / total);
      }
      return entries;
    });
  } finally {
    progress.end();
    await database.close();
  }
}
