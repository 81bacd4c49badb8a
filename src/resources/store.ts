import type { Book, BookChanges, BookInput } from "./book.ts";

export const SORT_FIELDS = ["id", "title", "author", "year"] as const;
/** A field that lists of books are sorted by. */
export type SortField = (typeof SORT_FIELDS)[number];

/** Text sorts by code point, and books that are equal in a field by id, in the same direction. */
export type Sort = { field: SortField; descending: boolean };

/** A place in a sorted list: right behind the book that has this value and this id. */
export type Position = { value: string | number; id: number };

/** What a list of books is asked for. */
export type BookQuery = {
  limit: number;
  sort: Sort;
  after?: Position | undefined;
  /** Words (see words.ts) that must each begin some word of the title or the author. */
  words: readonly string[];
  author?: string | undefined;
  year?: number | undefined;
};

/** `replayed` where an earlier call with the same idempotency key created the book. */
export type Creation = { book: Book; replayed: boolean };

/** Only books whose `updated_at` is still this one are changed. */
export type Precondition = { updatedAt: string };

/**
 * Where books live. Ids are never reused, and `updated_at` moves forward by a millisecond at least
 * with every change. Whatever a method promises has reached stable storage when it resolves.
 *
 * Every method throws a `DomainError` `store_unavailable` when the database cannot be reached.
 */
export interface BookStore {
  /** Resolves when the store can answer. */
  ping(): Promise<void>;

  list(query: BookQuery): Promise<Book[]>;

  get(id: number): Promise<Book | undefined>;

  /**
   * Adds a book. With an idempotency key, calls of the last 24 hours that had the same key and input
   * get the book as it was when the first of them created it.
   *
   * @throws {DomainError} `idempotency_key_reused` when the key came with another input.
   */
  create(input: BookInput, idempotencyKey?: string): Promise<Creation>;

  /** @throws {DomainError} `book_not_found`, or `precondition_failed` where the book has changed. */
  update(id: number, changes: BookChanges, precondition?: Precondition): Promise<Book>;

  /** @throws {DomainError} `book_not_found`, or `precondition_failed` where the book has changed. */
  delete(id: number, precondition?: Precondition): Promise<void>;

  close(): Promise<void>;
}

/** A store on PostgreSQL. It is described here, where nothing asks for the driver's types. */
export type PostgresBookStore = BookStore & {
  /** Brings the schema up to date now, and says how many migrations that took. */
  prepare(): Promise<number>;
  /** Connects anew for whatever comes next, where connections may be lost without a sign. */
  renew: () => void;
  /** Connects anew, perhaps to another database; what is under way ends on the connections it has. */
  reconnect: () => void;
  /** How many operations have a connection or wait for one; 0 where there is no pool. */
  running: () => number;
};

export const IDEMPOTENCY_WINDOW_MS = 24 * 60 * 60 * 1000;

/** As many expired answers leave with each new one at most, so that no request pays for all. */
export const EXPIRED_ANSWERS_PER_CALL = 100;
