import { isDataError } from "../../database/postgres/errors.ts";
import { type Entry, entryFromJson, type Resource } from "../../resources/resource.ts";
import { CommandError, EXIT } from "../../server/failure.ts";
import { type Clock, rfc3339 } from "../../time.ts";
import { isSameEntry, type Loader, nameOf, type TransferDatabase } from "../copy.ts";
import type { Progress } from "../progress.ts";
import type { ImportInput } from "./input.ts";
import { type ImportLine, parseImportLine } from "./line.ts";
import { readLines } from "./lines.ts";
import { createProblems, type ImportScan } from "./scan.ts";

/** The number of lines that are written in one transaction. */
const BATCH_LINES = 10_000;

type Import = {
  resource: Resource;
  database: TransferDatabase;
  input: ImportInput;
  scan: ImportScan;
  /** The number of lines that an earlier run of the same import has written before it was cut short. */
  resumedAt: number;
};

type Batch = {
  lines: { number: number; parsed: ImportLine }[];
  /** The number of its last line, and the offset of the byte after that. */
  last: number;
  end: number;
};

/**
 * Looks for lines whose id stands for another entry already, in the database or in an earlier line.
 *
 * @throws {CommandError} with the first of them.
 */
export async function requireNoOtherEntries(job: Import): Promise<void> {
  const { resource, database, input, scan, resumedAt } = job;
  if (scan.lastId === 0) return;
  const isEmpty = (await database.write([], (loader) => loader.count(resource))) === 0;
  if (isEmpty && scan.repeatedIds.size === 0) return;
  const problems = problemsOf(job);
  const repeated = new Map<number, Entry>();
  for (const { lines } of batches(resource, input, resumedAt)) {
    const found = await database.write([], (loader) => loader.find(resource, idsOf(lines)));
    for (const { number, parsed } of lines) {
      if (!parsed.entry) continue;
      const { entry } = parsed;
      const other = found.get(entry.id) ?? repeated.get(entry.id);
      if (other && !isSameEntry(resource, entry, other))
        problems.add(number, otherEntry(job, entry));
      if (scan.repeatedIds.has(entry.id)) repeated.set(entry.id, entry);
    }
  }
  problems.expectNone();
}

function problemsOf({ input, resumedAt }: Import) {
  const written = resumedAt > 0 ? `nothing after line ${resumedAt} was written` : undefined;
  return createProblems(input.name, written);
}

function otherEntry({ resource }: Import, { id }: Entry): string {
  return `${nameOf(resource, 1)} ${id} is there already, with other content`;
}

/** Writes the lines, batch by batch; each also records how far the import has got. */
export async function writeLines(job: Import & { clock: Clock; progress: Progress }) {
  const { resource, database, input, scan, resumedAt, clock, progress } = job;
  const { sha256 } = scan;
  let [added, skipped, written] = [0, 0, resumedAt];
  await database.write([resource], async (loader) => {
    const recorded = (await loader.importedLines(resource, sha256)) ?? 0;
    if (recorded !== resumedAt) throw otherImport(input.name);
    // By this record, or its absence, two imports of the same input notice each other.
    await loader.recordImport(resource, sha256, resumedAt);
  });
  for (const { lines, last, end } of batches(resource, input, resumedAt)) {
    const before = added;
    added += await writing(input.name, lines[0]?.number ?? last, last, () =>
      database.write([resource], async (loader) => {
        const recorded = await loader.importedLines(resource, sha256);
        if (recorded !== written) throw otherImport(input.name);
        await loader.reserveIds(resource, scan.lastId);
        const entries = await entriesToAdd(loader, lines, clock(), job);
        await loader.add(resource, entries);
        await loader.recordImport(resource, sha256, last);
        return entries.length;
      }),
    );
    written = last;
    skipped += lines.length - (added - before);
    progress.update(added, end / input.bytes);
  }
  await database.write([resource], (loader) => loader.forgetImport(resource, sha256));
  return { added, skipped };
}

function otherImport(name: string): CommandError {
  return new CommandError(
    EXIT.unavailable,
    `another import of ${name} is in progress, or has just ended; this one has stopped, ` +
      "and no line was added twice",
  );
}

/** Names the lines of data that a database refuses. @throws {CommandError} */
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
      `the database refuses what is in lines ${first} to ${last} of ${name}, and nothing from ` +
        `line ${first} on was written: ${error.message}`,
    );
  }
}

/** The entries of a batch that are not there yet, those without an id under new ones. */
async function entriesToAdd(
  loader: Loader,
  lines: Batch["lines"],
  now: number,
  job: Import,
): Promise<Entry[]> {
  const { resource } = job;
  const inputs = lines.flatMap(({ parsed }) => (parsed.input ? [parsed.input] : []));
  const ids = await loader.takeIds(resource, inputs.length);
  const at = rfc3339(now);
  const added = inputs.map((input, index) =>
    entryFromJson(resource, { id: ids[index] ?? 0, ...input, created_at: at, updated_at: at }),
  );
  return [...(await missingEntries(loader, lines, job)), ...added];
}

/** Compares again, in the transaction that writes: somebody may have been faster. */
async function missingEntries(
  loader: Loader,
  lines: Batch["lines"],
  job: Import,
): Promise<Entry[]> {
  const { resource } = job;
  const known = await loader.find(resource, idsOf(lines));
  const problems = problemsOf(job);
  const missing: Entry[] = [];
  for (const { number, parsed } of lines) {
    if (!parsed.entry) continue;
    const { entry } = parsed;
    const other = known.get(entry.id);
    if (!other) missing.push(entry);
    else if (!isSameEntry(resource, entry, other)) problems.add(number, otherEntry(job, entry));
    known.set(entry.id, entry);
  }
  problems.expectNone();
  return missing;
}

function idsOf(lines: Batch["lines"]): number[] {
  return lines.flatMap(({ parsed }) => (parsed.entry ? [parsed.entry.id] : []));
}

/**
 * The lines after the first `skip`, which are known to be valid.
 *
 * @throws {CommandError} if one is not valid any more, because somebody writes to the file.
 */
function* batches(resource: Resource, input: ImportInput, skip: number): Generator<Batch> {
  let batch: Batch = { lines: [], last: 0, end: 0 };
  for (const { number, text, end } of readLines(input.fd)) {
    if (number <= skip) continue;
    const parsed = parseImportLine(resource, text ?? "");
    if (parsed.problem) {
      throw new CommandError(
        EXIT.data,
        `line ${number} of ${input.name} has changed in the meantime`,
      );
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
