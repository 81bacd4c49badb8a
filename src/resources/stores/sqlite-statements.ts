import type { SqliteRow, SqliteValue } from "../../database/sqlite.ts";
import { type Book, type BookChanges, type BookInput, bookSchema } from "../book.ts";
import { expectSameInput, requireBook } from "../errors.ts";
import {
  type BookQuery,
  type Creation,
  EXPIRED_ANSWERS_PER_CALL,
  IDEMPOTENCY_WINDOW_MS,
  type Precondition,
  type Sort,
} from "../store.ts";
import { bookWords } from "../words.ts";

/** SQL, and the values of its placeholders in order. Of one kind of statement, the SQL stays the same. */
export type Statement = { sql: string; values: SqliteValue[] };

/**
 * A change of the database: the statements to run, in order and in one transaction, and what the rows
 * of each then say. No statement depends on what another one returned, so that a driver may send all
 * of them at once.
 */
export type Change<T> = { statements: Statement[]; read: (rows: SqliteRow[][]) => T };

const COLUMNS = "books.id, title, author, year, created_at, updated_at";

/** The id given out last, which the next one follows: ids are AUTOINCREMENT. */
const LAST_ID = "(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'books')";

const ALWAYS: Statement = { sql: "true", values: [] };

export const pingBooks: Statement = { sql: "SELECT 1 FROM books LIMIT 1", values: [] };

export function findBook(id: number): Statement {
  return { sql: `SELECT ${COLUMNS} FROM books WHERE id = ?`, values: [id] };
}

/** Adds books to a database that never had one, and leaves any other as it is. */
export function seedBooks(inputs: readonly BookInput[], now: number): Change<void> {
  const condition = { sql: `${LAST_ID} = 0`, values: [] };
  const statements = inputs.length === 0 ? [] : insertBooks(inputs, now, condition);
  return { statements, read: () => {} };
}

/** Adds a book; under an idempotency key only where none was added under it lately. */
export function createBook(input: BookInput, now: number, key?: string): Change<Creation> {
  if (key !== undefined) return createBookOnce(input, key, now);
  return {
    statements: insertBooks([input], now),
    read: (rows) => ({ book: expectOne(rows.at(-1)), replayed: false }),
  };
}

/** Adds a book under an idempotency key, or finds the answer that the key stands for already. */
function createBookOnce(input: BookInput, key: string, now: number): Change<Creation> {
  const oldest = now - IDEMPOTENCY_WINDOW_MS;
  const isFree = {
    sql: "NOT EXISTS (SELECT 1 FROM idempotency_keys WHERE key = ?)",
    values: [key],
  };
  return {
    statements: [
      {
        sql: "DELETE FROM idempotency_keys WHERE key = ? AND created_at <= ?",
        values: [key, oldest],
      },
      {
        sql: `DELETE FROM idempotency_keys WHERE key IN (
          SELECT key FROM idempotency_keys WHERE created_at <= ? ORDER BY created_at LIMIT ?)`,
        values: [oldest, EXPIRED_ANSWERS_PER_CALL],
      },
      ...insertBooks([input], now, isFree),
      {
        sql: `INSERT INTO idempotency_keys (key, answer, created_at)
          SELECT ?, json_set(?, '$.id', ${LAST_ID}), ? WHERE ${isFree.sql}`,
        values: [key, JSON.stringify(newBook(input, now)), now, ...isFree.values],
      },
      { sql: "SELECT answer FROM idempotency_keys WHERE key = ?", values: [key] },
    ],
    read: (rows) => {
      const [created, , answers] = rows.slice(-3);
      const book = bookSchema.parse(JSON.parse(String(answers?.[0]?.answer)));
      if (created?.length === 1) return { book, replayed: false };
      expectSameInput(book, input);
      return { book, replayed: true };
    },
  };
}

/**
 * Changes a book that has been read. Where its title or author is no longer what was read, to which its
 * new words belong, or where the precondition does not hold, nothing changes and there is no book.
 */
export function changeBook(
  book: Book,
  changes: BookChanges,
  now: number,
  precondition?: Precondition,
): Change<Book | undefined> {
  const { title, author } = { ...book, ...changes };
  const state = inState(precondition);
  const asRead = {
    sql: `id = ? AND title = ? AND author = ?${state.sql}`,
    values: [book.id, book.title, book.author, ...state.values],
  };
  return {
    statements: [
      {
        sql: `UPDATE book_words SET words = ?
          WHERE rowid = ? AND EXISTS (SELECT 1 FROM books WHERE ${asRead.sql})`,
        values: [joinedWords({ title, author }), book.id, ...asRead.values],
      },
      {
        sql: `UPDATE books SET title = ?, author = ?, year = coalesce(?, year),
          updated_at = max(?, updated_at + 1) WHERE ${asRead.sql} RETURNING ${COLUMNS}`,
        values: [title, author, changes.year ?? null, now, ...asRead.values],
      },
    ],
    read: (rows) => firstBook(rows.at(-1)),
  };
}

/** Its rows are read with an error where there was no such book, or not in the state expected. */
export function deleteBook(id: number, precondition?: Precondition): Change<void> {
  const state = inState(precondition);
  const asExpected = { sql: `id = ?${state.sql}`, values: [id, ...state.values] };
  return {
    statements: [
      {
        sql: `DELETE FROM book_words
          WHERE rowid = ? AND EXISTS (SELECT 1 FROM books WHERE ${asExpected.sql})`,
        values: [id, ...asExpected.values],
      },
      { sql: `DELETE FROM books WHERE ${asExpected.sql} RETURNING id`, values: asExpected.values },
      findBook(id),
    ],
    read: (rows) => {
      const [deleted, left] = rows.slice(-2);
      if (deleted?.length !== 1) requireBook(id, firstBook(left), precondition);
    },
  };
}

/** What a book's condition has to end in, so that it holds in the state expected only. */
function inState(precondition: Precondition | undefined): Statement {
  if (!precondition) return { sql: "", values: [] };
  return { sql: " AND updated_at = ?", values: [Date.parse(precondition.updatedAt)] };
}

/** Writes the words first, while the condition can still be told, and the last id too. */
function insertBooks(
  inputs: readonly BookInput[],
  now: number,
  condition: Statement = ALWAYS,
): Statement[] {
  const words = inputs.map((input, index) => ({
    sql: `INSERT INTO book_words (rowid, words)
      SELECT ${LAST_ID} + ${index + 1}, ? WHERE ${condition.sql}`,
    values: [joinedWords(input), ...condition.values],
  }));
  const rows = inputs.map(() => "(?, ?, ?, ?, ?)").join(", ");
  const books = {
    sql: `INSERT INTO books (title, author, year, created_at, updated_at)
      SELECT * FROM (VALUES ${rows}) WHERE ${condition.sql} RETURNING ${COLUMNS}`,
    values: [
      ...inputs.flatMap(({ title, author, year }) => [title, author, year, now, now]),
      ...condition.values,
    ],
  };
  return [...words, books];
}

/** A book as it will be, but for its id. */
function newBook({ title, author, year }: BookInput, now: number): Book {
  const at = new Date(now).toISOString();
  return { id: 0, title, author, year, created_at: at, updated_at: at };
}

function joinedWords(book: { title: string; author: string }): string {
  return bookWords(book).join(" ");
}

/** The statement that lists books by keyset: never by counting off the rows before a page. */
export function listBooks(query: BookQuery): Statement {
  const { sort, words, limit } = query;
  // In the order of ids, the words' index is walked only as far as the page goes.
  const walksWords = words.length > 0 && sort.field === "id";
  const source = walksWords
    ? "book_words CROSS JOIN books ON books.id = book_words.rowid"
    : "books";
  const id = walksWords ? "book_words.rowid" : "books.id";
  const conditions = [
    ...wordCondition(words, walksWords),
    ...equalTo("author", query.author),
    ...equalTo("year", query.year),
    ...behind(query, id),
  ];
  const where = conditions.map(({ sql }, index) => `${index === 0 ? "WHERE" : "AND"} ${sql}`);
  const sql = `SELECT ${COLUMNS} FROM ${source} ${where.join(" ")} ORDER BY ${order(sort, id)} LIMIT ?`;
  return { sql, values: [...conditions.flatMap(({ values }) => values), limit] };
}

function wordCondition(words: readonly string[], walksWords: boolean): Statement[] {
  if (words.length === 0) return [];
  const match = "book_words MATCH ?";
  const sql = walksWords ? match : `books.id IN (SELECT rowid FROM book_words WHERE ${match})`;
  return [{ sql, values: [matchExpression(words)] }];
}

function equalTo(column: string, value: string | number | undefined): Statement[] {
  return value === undefined ? [] : [{ sql: `${column} = ?`, values: [value] }];
}

function behind({ sort, after }: BookQuery, id: string): Statement[] {
  if (!after) return [];
  const comparison = sort.descending ? "<" : ">";
  if (sort.field === "id") {
    // Some drivers send every number as a float, and FTS5 would not begin its walk at one.
    return [{ sql: `${id} ${comparison} CAST(? AS INTEGER)`, values: [after.id] }];
  }
  return [{ sql: `(${sort.field}, ${id}) ${comparison} (?, ?)`, values: [after.value, after.id] }];
}

function order({ field, descending }: Sort, id: string): string {
  const direction = descending ? "DESC" : "ASC";
  return field === "id" ? `${id} ${direction}` : `${field} ${direction}, ${id} ${direction}`;
}

/** Words are letters and numbers only, so quoting them is all the escaping that FTS5 needs. */
function matchExpression(words: readonly string[]): string {
  return words.map((word) => `"${word}"*`).join(" AND ");
}

/** The first of the books that a statement found or returned. */
export function firstBook(rows: SqliteRow[] | undefined): Book | undefined {
  const row = rows?.[0];
  return row && toBook(row);
}

function expectOne(rows: SqliteRow[] | undefined): Book {
  const book = firstBook(rows);
  if (!book) throw new TypeError("Expected a book from the database");
  return book;
}

export function toBook(row: SqliteRow): Book {
  return {
    id: Number(row.id),
    title: String(row.title),
    author: String(row.author),
    year: Number(row.year),
    created_at: new Date(Number(row.created_at)).toISOString(),
    updated_at: new Date(Number(row.updated_at)).toISOString(),
  };
}
