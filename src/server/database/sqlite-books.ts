import type { BookInput } from "../../resources/book.ts";
import type { BookStore } from "../../resources/store.ts";
import { createSqliteBookStore } from "../../resources/stores/sqlite.ts";
import type { Clock } from "../../time.ts";
import { openSqliteFile, prepareSqliteFile } from "./sqlite-file.ts";

export { UnusableDatabaseError } from "../../database/sqlite.ts";

/** What a store on a SQLite file may be told. */
export type SqliteBooksOptions = {
  /** Says when a book was added or changed: `Date.now` unless told. */
  clock?: Clock;
  /** Books for a database that never had any: none unless told. */
  seed?: readonly BookInput[];
};

/**
 * A store in a SQLite file, which is made where it is missing, together with its directory, and
 * brought up to date. A write that is acknowledged survives a crash and the loss of power.
 *
 * @throws {UnusableDatabaseError} that says what is wrong with the file or its directory.
 */
export function openSqliteBooks(path: string, options: SqliteBooksOptions = {}): BookStore {
  const { clock = Date.now, seed = [] } = options;
  const file = openSqliteFile(path);
  try {
    prepareSqliteFile(file, path, clock, seed);
  } catch (error) {
    file.close();
    throw error;
  }
  return createSqliteBookStore(file, clock);
}
