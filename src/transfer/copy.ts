import type { Book } from "../resources/book.ts";

/** A row beside the books, with its times in milliseconds since the Unix epoch and JSON as text. */
export type TransferRow = Record<string, string | number>;

/** A table beside the books that goes with them into a backup. Its first column is its key, a text. */
export type TransferTable = {
  name: string;
  columns: Readonly<Record<string, "text" | "integer" | "time" | "json">>;
};

/** A new table of the schema belongs in here, for backups to have it. */
export const TRANSFER_TABLES: readonly TransferTable[] = [
  { name: "idempotency_keys", columns: { key: "text", answer: "json", created_at: "time" } },
  { name: "imports", columns: { sha256: "text", lines: "integer", updated_at: "time" } },
];

/** One state of a database, which does not change while it is read. */
export type Snapshot = {
  countBooks(): Promise<number>;
  /** The highest id that was ever given to a book; 0 where none was. */
  lastId(): Promise<number>;
  /** The next books by id, behind `after`. */
  books(after: number, limit: number): Promise<Book[]>;
  /** The next rows by key, behind `after`. None where the table is of a later release. */
  rows(table: TransferTable, after: string, limit: number): Promise<TransferRow[]>;
};

/** Changes to a database that hold all together or not at all. */
export type Loader = {
  countBooks(): Promise<number>;
  /** Removes every book, and every row of {@link TRANSFER_TABLES}. */
  clear(): Promise<void>;
  /** Those of the books that there are, by id. */
  findBooks(ids: readonly number[]): Promise<Map<number, Book>>;
  /** Adds books under ids that no book has. */
  addBooks(books: readonly Book[]): Promise<void>;
  /** Runs `work`, which adds many books, while no index has to follow, where that is worth it. */
  withoutIndexes<T>(work: () => Promise<T>): Promise<T>;
  addRows(table: TransferTable, rows: readonly TransferRow[]): Promise<void>;
  /** Ids that were given to no book and will be given to no other. */
  takeIds(count: number): Promise<number[]>;
  /** From now on no book gets an id up to this one. */
  reserveIds(lastId: number): Promise<void>;
  /** As many lines of the input with this hash as were recorded last, where its import is under way. */
  importedLines(sha256: string): Promise<number | undefined>;
  recordImport(sha256: string, lines: number): Promise<void>;
  forgetImport(sha256: string): Promise<void>;
};

/** What can be read in one state, and changed in one transaction. */
export type TransferDatabase = {
  read<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T>;
  write<T>(work: (loader: Loader) => Promise<T>): Promise<T>;
};

type CopyOptions = {
  /** Is told how many books are copied so far. */
  onProgress?: (books: number) => void;
  /** Ends the copy with its reason as the error. */
  signal?: AbortSignal | undefined;
};

/** As many rows are in memory at a time. */
const PAGE_SIZE = 2000;

/** The column that a table's rows are found and sorted by. */
export function keyOf({ columns }: TransferTable): string {
  return Object.keys(columns)[0] ?? "";
}

/**
 * Copies a whole database, ids and times as they are. No id that either database has given out is given
 * out again.
 *
 * @returns how many books there were.
 */
export async function copyDatabase(
  from: Snapshot,
  to: Loader,
  { onProgress, signal }: CopyOptions = {},
): Promise<number> {
  await to.reserveIds(await from.lastId());
  const books = await to.withoutIndexes(async () => {
    let copied = 0;
    for await (const page of bookPages(from)) {
      signal?.throwIfAborted();
      await to.addBooks(page);
      copied += page.length;
      onProgress?.(copied);
    }
    return copied;
  });
  for (const table of TRANSFER_TABLES) {
    for await (const page of rowPages(from, table)) {
      signal?.throwIfAborted();
      await to.addRows(table, page);
    }
  }
  return books;
}

/** The books behind an id, page by page. */
export async function* bookPages(snapshot: Snapshot, after = 0): AsyncGenerator<Book[]> {
  let last = after;
  for (;;) {
    const page = await snapshot.books(last, PAGE_SIZE);
    if (page.length === 0) return;
    yield page;
    last = page.at(-1)?.id ?? last;
  }
}

async function* rowPages(snapshot: Snapshot, table: TransferTable): AsyncGenerator<TransferRow[]> {
  let last = "";
  for (;;) {
    const page = await snapshot.rows(table, last, PAGE_SIZE);
    if (page.length === 0) return;
    yield page;
    last = String(page.at(-1)?.[keyOf(table)]);
  }
}
