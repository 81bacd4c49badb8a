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
import { type DatabaseCommandConfig, parseDatabaseConfig } from "../../config/config.ts";
import { CommandError, EXIT } from "../../server/failure.ts";
import { writeFully } from "../../server/output/write-fully.ts";
import type { Runtime } from "../../server/runtime.ts";
import { readSecretFile } from "../../server/secrets/secrets.ts";
import { failingAt, prepareWholeFile } from "../../transfer/atomic-file.ts";
import { bookPages, type Snapshot } from "../../transfer/copy.ts";
import { parseImportLine } from "../../transfer/import/line.ts";
import { LINE_MAX_BYTES } from "../../transfer/import/lines.ts";
import { openTransfer } from "../../transfer/open.ts";
import { createProgress, type Progress, summary } from "../../transfer/progress.ts";
import { parseArguments } from "../arguments.ts";
import { UsageError } from "../command.ts";

const STANDARD_OUTPUT = 1;

/** What a process ends with that a broken pipe has ended, as shells say it. */
const EXIT_BROKEN_PIPE = 141;

/** Nobody reads any more what is written. */
class BrokenPipeError extends Error {}

type Output = { write: (bytes: Uint8Array) => void; after: number; progress: Progress };

/** `thimble export`: the books as NDJSON, by id, in one state of the database. */
export async function exportBooks(
  args: readonly string[],
  runtime: Runtime,
  standardOutput = STANDARD_OUTPUT,
): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { resume: { type: "boolean" } },
  });
  const [path = "-", ...others] = positionals;
  if (others.length > 0) throw new UsageError("takes one FILE");
  if (values.resume && path === "-") throw new UsageError("--resume takes a FILE");
  const config = parseDatabaseConfig(runtime.env, readSecretFile);
  return path === "-"
    ? exportToPipe(standardOutput, config, runtime)
    : exportToFile(path, values.resume ?? false, config, runtime);
}

async function exportToPipe(
  fd: number,
  config: DatabaseCommandConfig,
  runtime: Runtime,
): Promise<number> {
  const startedAt = performance.now();
  const write = (bytes: Uint8Array) => writeToPipe(fd, bytes);
  try {
    const books = await writeBooks(config, runtime, { write, after: 0 });
    runtime.stderr(`Exported ${summary(books, startedAt)}`);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof BrokenPipeError) return EXIT_BROKEN_PIPE;
    throw error;
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

async function exportToFile(
  path: string,
  resume: boolean,
  config: DatabaseCommandConfig,
  runtime: Runtime,
): Promise<number> {
  const startedAt = performance.now();
  const file = prepareWholeFile(path, config.database, { resumable: true });
  const isResumed = resume && existsSync(file.part);
  const after = isResumed ? failingAt(file.part, () => lastWholeBook(file.part)) : 0;
  const fd = failingAt(file.part, () => openSync(file.part, isResumed ? "a" : "w"));
  const write = (bytes: Uint8Array) => failingAt(file.part, () => writeFully(fd, bytes));
  try {
    const books = await writeBooks(config, runtime, { write, after });
    file.commit();
    const which = isResumed ? `, those behind id ${after}` : "";
    runtime.stderr(`Exported ${summary(books, startedAt)} to ${path}${which}`);
    return EXIT.ok;
  } catch (error) {
    if (statSync(file.part).size === 0) file.discard();
    else runtime.stderr(`What is done is in ${file.part}; --resume goes on from there`);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Cuts off what stands behind the last whole line of an export, and says which book that line is. */
function lastWholeBook(part: string): number {
  const fd = openSync(part, "r+");
  try {
    const { size } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, 2 * LINE_MAX_BYTES));
    const start = size - tail.length;
    readSync(fd, tail, 0, tail.length, start);
    const end = tail.lastIndexOf("\n");
    const line = tail.subarray(tail.subarray(0, Math.max(end, 0)).lastIndexOf("\n") + 1, end + 1);
    const id = end === -1 && start === 0 ? 0 : parseImportLine(line.toString()).book?.id;
    if (id === undefined) throw new CommandError(EXIT.data, `${part} is no part of an export`);
    ftruncateSync(fd, start + end + 1);
    return id;
  } finally {
    closeSync(fd);
  }
}

async function writeBooks(
  config: DatabaseCommandConfig,
  { clock }: Runtime,
  output: Omit<Output, "progress">,
): Promise<number> {
  const database = await openTransfer(config, clock, "read");
  const progress = createProgress("Exporting");
  try {
    return await database.read((snapshot) => writePages(snapshot, { ...output, progress }));
  } finally {
    progress.end();
    await database.close();
  }
}

async function writePages(snapshot: Snapshot, { write, after, progress }: Output): Promise<number> {
  const total = await snapshot.countBooks();
  let books = 0;
  for await (const page of bookPages(snapshot, after)) {
    write(Buffer.from(page.map((book) => `${JSON.stringify(book)}\n`).join("")));
    books += page.length;
    progress.update(books, books / total);
  }
  return books;
}
