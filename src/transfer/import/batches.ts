import { isDataError } from "../../database/postgres/migrate.ts";
import type { Book } from "../../resources/book.ts";
import { CommandError, EXIT } from "../../server/failure.ts";
import type { Clock } from "../../time.ts";
import type { Loader, TransferDatabase } from "../copy.ts";
import type { Progress } from "../progress.ts";
import type { ImportInput } from "./input.ts";
import { type ImportLine, parseImportLine } from "./line.ts";
import { readLines } from "./lines.ts";
import { createProblems, type ImportScan } from "./scan.ts";

/** As many lines are written in one transaction. */
const BATCH_LINES = 10_000;

type Import = {
  database: TransferDatabase;
  input: ImportInput;
  scan: ImportScan;
  /** As many lines were written by an earlier run of the same import, which did not get to the end. */
  resumedAt: number;
};

type Batch = {
  lines: { number: number; parsed: ImportLine }[];
  /** The number of its last line, and the offset of the byte behind that. */
  last: number;
  end: number;
};

/**
 * Looks for lines whose id stands for another book already, in the database or in an earlier line.
 *
 * @throws {CommandError} with the first of them.
 */
export async function expectNoOtherBooks(job: Import): Promise<void> {
  const { database, input, scan, resumedAt } = job;
  if (scan.lastId === 0) return;
  const isEmpty = (await database.write((loader) => loader.countBooks())) === 0;
  if (isEmpty && scan.repeatedIds.size === 0) return;
  const problems = problemsOf(job);
  const repeated = new Map<number, Book>();
  for (const { lines } of batches(input, resumedAt)) {
    const found = await database.write((loader) => loader.findBooks(idsOf(lines)));
    for (const { number, parsed } of lines) {
      if (!parsed.book) continue;
      const { book } = parsed;
      const other = found.get(book.id) ?? repeated.get(book.id);
      if (other && !isSameBook(book, other)) problems.add(number, otherBook(book.id));
      if (scan.repeatedIds.has(book.id)) repeated.set(book.id, book);
    }
  }
  problems.expectNone();
}

function problemsOf({ input, resumedAt }: Import) {
  const written = resumedAt > 0 ? `nothing behind line ${resumedAt} was written` : undefined;
  return createProblems(input.name, written);
}

function otherBook(id: number): string {
  return `book ${id} is there already, with other content`;
}

/** Writes the lines, batch by batch; each also records how far the import has got. */
export async function writeLines(job: Import & { clock: Clock; progress: Progress }) {
  const { database, input, scan, resumedAt, clock, progress } = job;
  let [added, skipped, written] = [0, 0, resumedAt];
  await database.write(async (loader) => {
    const recorded = (await loader.importedLines(scan.sha256)) ?? 0;
    if (recorded !== resumedAt) throw otherImport(input.name);
    // Whoever imports the same at once sees by this record, or that it is gone, that it is not alone.
    await loader.recordImport(scan.sha256, resumedAt);
  });
  for (const { lines, last, end } of batches(input, resumedAt)) {
    const before = added;
    added += await writing(input.name, lines[0]?.number ?? last, last, () =>
      database.write(async (loader) => {
        const recorded = await loader.importedLines(scan.sha256);
        if (recorded !== written) throw otherImport(input.name);
        await loader.reserveIds(scan.lastId);
        const books = await booksToAdd(loader, lines, clock(), job);
        await loader.addBooks(books);
        await loader.recordImport(scan.sha256, last);
        return books.length;
      }),
    );
    written = last;
    skipped += lines.length - (added - before);
    progress.update(added, end / input.bytes);
  }
  await database.write((loader) => loader.forgetImport(scan.sha256));
  return { added, skipped };
}

function otherImport(name: string): CommandError {
  return new CommandError(
    EXIT.unavailable,
    `another import of what is in ${name} is under way, or has just ended; this one has stopped, ` +
      "and no line was added twice",
  );
}

/** Says in which lines the data is that a database refuses. @throws {CommandError} */
async function writing<T>(
  name: string,
  first: number,
  last: number,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error && isDataError(error))) throw error;
    throw new CommandError(
      EXIT.data,
      `the database does not take what is in lines ${first} to ${last} of ${name}, and nothing from ` +
        `line ${first} on was written: ${error.message}`,
    );
  }
}

/** The books of a batch that are not there yet, those without an id under new ones. */
async function booksToAdd(
  loader: Loader,
  lines: Batch["lines"],
  now: number,
  job: Import,
): Promise<Book[]> {
  const inputs = lines.flatMap(({ parsed }) => (parsed.input ? [parsed.input] : []));
  const ids = await loader.takeIds(inputs.length);
  const at = new Date(now).toISOString();
  const times = { created_at: at, updated_at: at };
  const added = inputs.map((input, index) => ({ id: ids[index] ?? 0, ...input, ...times }));
  return [...(await missingBooks(loader, lines, job)), ...added];
}

/** Compares once more, in the transaction that writes: somebody may have been faster. */
async function missingBooks(loader: Loader, lines: Batch["lines"], job: Import): Promise<Book[]> {
  const known = await loader.findBooks(idsOf(lines));
  const problems = problemsOf(job);
  const missing: Book[] = [];
  for (const { number, parsed } of lines) {
    if (!parsed.book) continue;
    const { book } = parsed;
    const other = known.get(book.id);
    if (!other) missing.push(book);
    else if (!isSameBook(book, other)) problems.add(number, otherBook(book.id));
    known.set(book.id, book);
  }
  problems.expectNone();
  return missing;
}

function idsOf(lines: Batch["lines"]): number[] {
  return lines.flatMap(({ parsed }) => (parsed.book ? [parsed.book.id] : []));
}

function isSameBook(left: Book, right: Book): boolean {
  const fields = ["title", "author", "year", "created_at", "updated_at"] as const;
  return fields.every((field) => left[field] === right[field]);
}

/**
 * The lines behind the first `skip`, which are known to be books.
 *
 * @throws {CommandError} where one is none any more, as somebody writes to the file.
 */
function* batches(input: ImportInput, skip: number): Generator<Batch> {
  let batch: Batch = { lines: [], last: 0, end: 0 };
  for (const { number, text, end } of readLines(input.fd)) {
    if (number <= skip) continue;
    const parsed = parseImportLine(text ?? "");
    if (parsed.problem) {
      throw new CommandError(EXIT.data, `line ${number} of ${input.name} has changed meanwhile`);
    }
    batch.lines.push({ number, parsed });
    batch.last = number;
    batch.end = end;
    if (batch.lines.length < BATCH_LINES) continue;
    yield batch;
    batch = { lines: [], last: 0, end: 0 };
  }
  if (batch.lines.length > 0) yield batch;
}
