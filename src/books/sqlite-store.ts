import type { Clock } from "../clock.ts";
import {
  inTransaction,
  isBusyError,
  migrateSqlite,
  type SqliteDatabase,
  type SqliteRow,
  type SqliteStatement,
  type SqliteValue,
  translateSqliteError,
} from "../database/sqlite.ts";
import { type Book, type BookInput, bookSchema } from "./book.ts";
import { expectBook, expectSameInput } from "./errors.ts";
import { sqliteMigrations } from "./migrations/sqlite.ts";
import {
  type BookQuery,
  type BookStore,
  type Creation,
  EXPIRED_ANSWERS_PER_CALL,
  IDEMPOTENCY_WINDOW_MS,
  type Sort,
} from "./store.ts";
import { bookWords } from "./words.ts";

/** How long a write waits for another process to finish its own. */
const WRITE_LOCK_TIMEOUT_MS = 5000;
const WRITE_LOCK_PAUSE_MS = 25;

const COLUMNS = "books.id, title, author, year, created_at, updated_at";

/**
 * Brings the schema up to date, and gives a database that never had a book the `seed`.
 *
 * @returns how many migrations this call applied.
 */
export function prepareSqliteBooks(
  database: SqliteDatabase,
  clock: Clock,
  seed: readonly BookInput[],
): number {
  const applied = migrateSqlite(database, sqliteMigrations);
  const writer = createWriter((sql) => database.prepare(sql), clock);
  const everHadBook = "SELECT 1 FROM sqlite_sequence WHERE name = 'books'";
  inTransaction(database, () => {
    if (database.prepare(everHadBook).get()) return;
    for (const input of seed) writer.insert(input);
  });
  return applied;
}

/** A store on a prepared SQLite database (see {@link prepareSqliteBooks}), which it closes. */
export function createSqliteBookStore(database: SqliteDatabase, clock: Clock): BookStore {
  const statement = statementCache(database);
  const writer = createWriter(statement, clock);
  const answers = createAnswers(statement, clock);

  function findBook(id: number): Book | undefined {
    const row = statement(`SELECT ${COLUMNS} FROM books WHERE id = ?`).get(id);
    return row && toBook(row);
  }

  function createOnce(input: BookInput, idempotencyKey: string): Creation {
    const earlier = answers.find(idempotencyKey);
    if (earlier) {
      expectSameInput(earlier, input);
      return { book: earlier, replayed: true };
    }
    const book = writer.insert(input);
    answers.keep(idempotencyKey, book);
    return { book, replayed: false };
  }

  return {
    async ping() {
      translated(() => statement("SELECT 1 FROM books LIMIT 1").get());
    },

    async list(query) {
      const { sql, values } = listStatement(query);
      return translated(() => statement(sql).all(...values)).map(toBook);
    },

    async get(id) {
      return translated(() => findBook(id));
    },

    async create(input, idempotencyKey) {
      return inWriteTransaction(database, () =>
        idempotencyKey === undefined
          ? { book: writer.insert(input), replayed: false }
          : createOnce(input, idempotencyKey),
      );
    },

    async update(id, changes, precondition) {
      return inWriteTransaction(database, () => {
        const book = expectBook(id, findBook(id), precondition);
        return writer.replace({ ...book, ...changes });
      });
    },

    async delete(id, precondition) {
      await inWriteTransaction(database, () => {
        expectBook(id, findBook(id), precondition);
        writer.remove(id);
      });
    },

    async close() {
      database.close();
    },
  };
}

function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translateSqliteError(error);
  }
}

/**
 * Runs `work` in a transaction. While another process holds the write lock it tries again and again:
 * SQLite's own waiting would stop every other request too, as the driver is synchronous.
 */
async function inWriteTransaction<T>(database: SqliteDatabase, work: () => T): Promise<T> {
  const giveUpAt = performance.now() + WRITE_LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      return inTransaction(database, work);
    } catch (error) {
      if (!isBusyError(error) || performance.now() > giveUpAt) throw translateSqliteError(error);
    }
    // Not all at the same moment, where several processes wait.
    await pause(Math.random() * WRITE_LOCK_PAUSE_MS);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

type Prepare = (sql: string) => SqliteStatement;

function statementCache(database: SqliteDatabase): Prepare {
  const statements = new Map<string, SqliteStatement>();
  return (sql) => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
}

/** Writes books and their words, which have to stay together. To be called in a transaction. */
function createWriter(statement: Prepare, clock: Clock) {
  const words = (book: { title: string; author: string }) => bookWords(book).join(" ");
  return {
    insert(input: BookInput): Book {
      const now = Math.floor(clock());
      const sql = `INSERT INTO books (title, author, year, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?) RETURNING ${COLUMNS}`;
      const { title, author, year } = input;
      const book = toBook(statement(sql).get(title, author, year, now, now) ?? {});
      statement("INSERT INTO book_words (rowid, words) VALUES (?, ?)").all(book.id, words(book));
      return book;
    },

    replace({ id, title, author, year }: Book): Book {
      const sql = `UPDATE books SET title = ?, author = ?, year = ?,
        updated_at = max(?, updated_at + 1) WHERE id = ? RETURNING ${COLUMNS}`;
      const now = Math.floor(clock());
      const book = toBook(statement(sql).get(title, author, year, now, id) ?? {});
      statement("UPDATE book_words SET words = ? WHERE rowid = ?").all(words(book), id);
      return book;
    },

    remove(id: number): void {
      statement("DELETE FROM books WHERE id = ?").all(id);
      statement("DELETE FROM book_words WHERE rowid = ?").all(id);
    },
  };
}

/** The answers that idempotency keys stand for. To be called in a transaction. */
function createAnswers(statement: Prepare, clock: Clock) {
  const oldest = () => Math.floor(clock()) - IDEMPOTENCY_WINDOW_MS;
  return {
    find(key: string): Book | undefined {
      const sql = "SELECT answer FROM idempotency_keys WHERE key = ? AND created_at > ?";
      const row = statement(sql).get(key, oldest());
      return row && bookSchema.parse(JSON.parse(String(row.answer)));
    },

    keep(key: string, book: Book): void {
      statement(
        `DELETE FROM idempotency_keys WHERE key IN (
          SELECT key FROM idempotency_keys WHERE created_at <= ? ORDER BY created_at LIMIT ?)`,
      ).all(oldest(), EXPIRED_ANSWERS_PER_CALL);
      statement(
        "INSERT OR REPLACE INTO idempotency_keys (key, answer, created_at) VALUES (?, ?, ?)",
      ).all(key, JSON.stringify(book), Math.floor(clock()));
    },
  };
}

type Condition = { sql: string; values: SqliteValue[] };

/** The statement that lists books by keyset: never by counting off the rows before a page. */
function listStatement(query: BookQuery): Condition {
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

function wordCondition(words: readonly string[], walksWords: boolean): Condition[] {
  if (words.length === 0) return [];
  const match = "book_words MATCH ?";
  const sql = walksWords ? match : `books.id IN (SELECT rowid FROM book_words WHERE ${match})`;
  return [{ sql, values: [matchExpression(words)] }];
}

function equalTo(column: string, value: string | number | undefined): Condition[] {
  return value === undefined ? [] : [{ sql: `${column} = ?`, values: [value] }];
}

function behind({ sort, after }: BookQuery, id: string): Condition[] {
  if (!after) return [];
  const comparison = sort.descending ? "<" : ">";
  if (sort.field === "id") return [{ sql: `${id} ${comparison} ?`, values: [after.id] }];
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

function toBook(row: SqliteRow): Book {
  return {
    id: Number(row.id),
    title: String(row.title),
    author: String(row.author),
    year: Number(row.year),
    created_at: new Date(Number(row.created_at)).toISOString(),
    updated_at: new Date(Number(row.updated_at)).toISOString(),
  };
}
