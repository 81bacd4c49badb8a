import type { SqliteDatabase, SqliteValue } from "../database/sqlite.ts";
import type { Book } from "../resources/book.ts";
import { toBook } from "../resources/stores/sqlite-statements.ts";
import { bookWords } from "../resources/words.ts";
import type { Clock } from "../time.ts";
import {
  keyOf,
  type Loader,
  type Snapshot,
  TRANSFER_TABLES,
  type TransferDatabase,
  type TransferRow,
} from "./copy.ts";

const COLUMNS = "id, title, author, year, created_at, updated_at";
const COUNT = "SELECT count(*) AS books FROM books";
const LAST_ID = "SELECT coalesce(max(seq), 0) AS id FROM sqlite_sequence WHERE name = 'books'";

/** As many rows go into one statement; more gain nothing. */
const ROWS_PER_STATEMENT = 50;

/**
 * What copies a SQLite database of this service's schema, on a connection of its own. Writing begins
 * with the write lock, and reads of other connections go on meanwhile.
 */
export function createSqliteTransfer(database: SqliteDatabase, clock: Clock): TransferDatabase {
  async function within<T>(begin: string, work: () => Promise<T>): Promise<T> {
    database.exec(begin);
    try {
      const result = await work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      rollBack(database);
      throw error;
    }
  }
  return {
    read: (work) => within("BEGIN", () => work(createSnapshot(database))),
    write: (work) => within("BEGIN IMMEDIATE", () => work(createLoader(database, clock))),
  };
}

/** After a full disk, SQLite may have rolled back by itself. */
function rollBack(database: SqliteDatabase): void {
  try {
    database.exec("ROLLBACK");
  } catch {}
}

function createSnapshot(database: SqliteDatabase): Snapshot {
  const page = database.prepare(`SELECT ${COLUMNS} FROM books WHERE id > ? ORDER BY id LIMIT ?`);
  return {
    countBooks: async () => numberOf(database, COUNT, "books"),
    lastId: async () => numberOf(database, LAST_ID, "id"),
    books: async (after, limit) => page.all(after, limit).map(toBook),

    async rows(table, after, limit) {
      const isThere = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?");
      if (!isThere.get(table.name)) return [];
      const key = keyOf(table);
      const columns = Object.keys(table.columns).join(", ");
      const sql = `SELECT ${columns} FROM ${table.name} WHERE ${key} > ? ORDER BY ${key} LIMIT ?`;
      return database.prepare(sql).all(after, limit) as TransferRow[];
    },
  };
}

function createLoader(database: SqliteDatabase, clock: Clock): Loader {
  const insertBooks = createInserter(
    database,
    "books (id, title, author, year, created_at, updated_at)",
    6,
  );
  const insertWords = createInserter(database, "book_words (rowid, words)", 2);
  const lastId = () => numberOf(database, LAST_ID, "id");

  async function reserveIds(id: number): Promise<void> {
    if (id <= lastId()) return;
    database.prepare("DELETE FROM sqlite_sequence WHERE name = 'books'").all();
    database.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('books', ?)").all(id);
  }

  return {
    countBooks: async () => numberOf(database, COUNT, "books"),

    async clear() {
      database.exec("INSERT INTO book_words (book_words) VALUES ('delete-all')");
      for (const name of ["books", ...TRANSFER_TABLES.map((table) => table.name)]) {
        database.exec(`DELETE FROM ${name}`);
      }
    },

    async findBooks(ids) {
      const find = database.prepare(`SELECT ${COLUMNS} FROM books WHERE id = ?`);
      const found = ids.flatMap((id) => find.all(id)).map(toBook);
      return new Map(found.map((book) => [book.id, book]));
    },

    async addBooks(books) {
      insertWords(books.map((book) => [book.id, bookWords(book).join(" ")]));
      insertBooks(books.map(toValues));
    },

    async withoutIndexes(work) {
      const indexes = database
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'books'")
        .all();
      for (const { name } of indexes) database.exec(`DROP INDEX ${name}`);
      const result = await work();
      for (const { sql } of indexes) database.exec(String(sql));
      return result;
    },

    async addRows(table, rows) {
      const columns = Object.keys(table.columns);
      const insert = createInserter(
        database,
        `${table.name} (${columns.join(", ")})`,
        columns.length,
      );
      insert(rows.map((row) => columns.map((column) => row[column] ?? null)));
    },

    async takeIds(count) {
      const last = lastId();
      await reserveIds(last + count);
      return Array.from({ length: count }, (_, index) => last + index + 1);
    },

    reserveIds,

    async importedLines(sha256) {
      const row = database.prepare("SELECT lines FROM imports WHERE sha256 = ?").get(sha256);
      return row && Number(row.lines);
    },

    async recordImport(sha256, lines) {
      const sql = "INSERT OR REPLACE INTO imports (sha256, lines, updated_at) VALUES (?, ?, ?)";
      database.prepare(sql).all(sha256, lines, Math.floor(clock()));
    },

    async forgetImport(sha256) {
      database.prepare("DELETE FROM imports WHERE sha256 = ?").all(sha256);
    },
  };
}

function toValues({ id, title, author, year, created_at, updated_at }: Book): SqliteValue[] {
  return [id, title, author, year, Date.parse(created_at), Date.parse(updated_at)];
}

type Insert = (rows: readonly SqliteValue[][]) => void;

/** Inserts many rows with a statement, and what is left over one by one. */
function createInserter(database: SqliteDatabase, into: string, columns: number): Insert {
  const row = `(${Array.from({ length: columns }, () => "?").join(", ")})`;
  const values = Array.from({ length: ROWS_PER_STATEMENT }, () => row).join(", ");
  const many = database.prepare(`INSERT INTO ${into} VALUES ${values}`);
  const one = database.prepare(`INSERT INTO ${into} VALUES ${row}`);
  return (rows) => {
    const whole = rows.length - (rows.length % ROWS_PER_STATEMENT);
    for (let start = 0; start < whole; start += ROWS_PER_STATEMENT) {
      many.all(...rows.slice(start, start + ROWS_PER_STATEMENT).flat());
    }
    for (const rest of rows.slice(whole)) one.all(...rest);
  };
}

function numberOf(database: SqliteDatabase, sql: string, column: string): number {
  return Number(database.prepare(sql).get()?.[column]);
}
