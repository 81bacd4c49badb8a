import type { Sql, TransactionSql } from "postgres";
import { liftTimeouts, translatePostgresError } from "../database/postgres/migrate.ts";
import { transact } from "../database/postgres/transaction.ts";
import type { Book } from "../resources/book.ts";
import { toBook } from "../resources/stores/postgres.ts";
import { bookWords } from "../resources/words.ts";
import type { Clock } from "../time.ts";
import {
  keyOf,
  type Loader,
  type Snapshot,
  TRANSFER_TABLES,
  type TransferDatabase,
  type TransferRow,
  type TransferTable,
} from "./copy.ts";

/** How a column is read, and how an array of what was read becomes one column again. */
const COLUMNS = {
  text: { read: (name: string) => name, array: "text[]", write: (name: string) => name },
  integer: { read: (name: string) => name, array: "bigint[]", write: (name: string) => name },
  json: {
    read: (name: string) => `${name}::text`,
    array: "text[]",
    write: (name: string) => `${name}::jsonb`,
  },
  time: {
    read: (name: string) => `(extract(epoch FROM ${name}) * 1000)::bigint`,
    array: "bigint[]",
    write: (name: string) => `to_timestamp(${name} / 1000.0)`,
  },
} as const;

/**
 * What copies a PostgreSQL database of this service's schema. Statements may take what time they take.
 * While one writes, others can read; those that write wait.
 */
export function createPostgresTransfer(sql: Sql, clock: Clock): TransferDatabase {
  async function within<T>(mode: string, work: (sql: TransactionSql) => Promise<T>): Promise<T> {
    try {
      return await transact(sql, mode, async (transaction) => {
        await liftTimeouts(transaction);
        return work(transaction);
      });
    } catch (error) {
      throw translatePostgresError(error);
    }
  }
  return {
    read: (work) =>
      within("ISOLATION LEVEL REPEATABLE READ READ ONLY", (transaction) =>
        work(createSnapshot(transaction)),
      ),
    write: (work) =>
      within("ISOLATION LEVEL READ COMMITTED READ WRITE", async (transaction) => {
        await transaction`LOCK TABLE books IN SHARE ROW EXCLUSIVE MODE`;
        return work(createLoader(transaction, clock));
      }),
  };
}

async function countBooks(sql: TransactionSql): Promise<number> {
  const [row] = await sql`SELECT count(*) AS books FROM books`;
  return Number(row?.books);
}

function createSnapshot(sql: TransactionSql): Snapshot {
  return {
    countBooks: () => countBooks(sql),

    async lastId() {
      // A sequence is not part of the snapshot. It has to be read behind it, then it covers every book.
      await sql`SELECT 1 FROM books LIMIT 1`;
      const [row] = await sql`SELECT last_value, is_called FROM books_id_seq`;
      return row?.is_called ? Number(row.last_value) : 0;
    },

    async books(after, limit) {
      const rows = await sql`
        SELECT id, title, author, year, created_at, updated_at FROM books
        WHERE id > ${after} ORDER BY id LIMIT ${limit}`;
      return rows.map(toBook);
    },

    async rows(table, after, limit) {
      const [found] = await sql`SELECT to_regclass(${table.name}) IS NOT NULL AS there`;
      if (!found?.there) return [];
      const key = keyOf(table);
      const columns = Object.entries(table.columns).map(
        ([name, kind]) => `${COLUMNS[kind].read(name)} AS ${name}`,
      );
      const rows = await sql.unsafe(
        `SELECT ${columns.join(", ")} FROM ${table.name} WHERE ${key} > $1 ORDER BY 1 LIMIT $2`,
        [after, limit],
      );
      return rows.map((row) => toTransferRow(table, row));
    },
  };
}

function toTransferRow({ columns }: TransferTable, row: Record<string, unknown>): TransferRow {
  const entries = Object.entries(columns).map(([name, kind]) => {
    const isNumber = kind === "integer" || kind === "time";
    return [name, isNumber ? Number(row[name]) : String(row[name])];
  });
  return Object.fromEntries(entries);
}

function createLoader(sql: TransactionSql, clock: Clock): Loader {
  return {
    countBooks: () => countBooks(sql),

    async clear() {
      // TRUNCATE would keep others from reading.
      for (const name of ["books", ...TRANSFER_TABLES.map((table) => table.name)]) {
        await sql.unsafe(`DELETE FROM ${name}`);
      }
    },

    async findBooks(ids) {
      const rows = await sql`
        SELECT id, title, author, year, created_at, updated_at FROM books
        WHERE id = ANY(${[...ids]}::bigint[])`;
      return new Map(rows.map(toBook).map((book) => [book.id, book]));
    },

    async addBooks(books) {
      await insertBooks(sql, books);
    },

    withoutIndexes: (work) => work(),

    async addRows(table, rows) {
      const columns = Object.entries(table.columns);
      const names = columns.map(([name]) => name).join(", ");
      const arrays = columns.map(([, kind], index) => `$${index + 1}::${COLUMNS[kind].array}`);
      const values = columns.map(([name, kind]) => COLUMNS[kind].write(name));
      await sql.unsafe(
        `INSERT INTO ${table.name} (${names}) SELECT ${values.join(", ")}
          FROM unnest(${arrays.join(", ")}) AS row (${names})`,
        columns.map(([name]) => rows.map((row) => row[name] ?? null)),
      );
    },

    async takeIds(count) {
      const rows = await sql`
        SELECT nextval('books_id_seq') AS id FROM generate_series(1, ${count}) ORDER BY 1`;
      return rows.map(({ id }) => Number(id));
    },

    async reserveIds(lastId) {
      if (lastId === 0) return;
      await sql`SELECT setval('books_id_seq', greatest(${lastId},
        (SELECT last_value FROM books_id_seq)))`;
    },

    async importedLines(sha256) {
      const [row] = await sql`SELECT lines FROM imports WHERE sha256 = ${sha256}`;
      return row && Number(row.lines);
    },

    async recordImport(sha256, lines) {
      await sql`
        INSERT INTO imports (sha256, lines, updated_at)
        VALUES (${sha256}, ${lines}, ${new Date(clock())})
        ON CONFLICT (sha256) DO UPDATE
          SET lines = excluded.lines, updated_at = excluded.updated_at`;
    },

    async forgetImport(sha256) {
      await sql`DELETE FROM imports WHERE sha256 = ${sha256}`;
    },
  };
}

async function insertBooks(sql: TransactionSql, books: readonly Book[]): Promise<void> {
  const words = books.map((book) => [...new Set(bookWords(book))].join(" "));
  await sql`
    INSERT INTO books (id, title, author, year, created_at, updated_at, words)
    SELECT id, title, author, year, created_at, updated_at,
      array_to_tsvector(string_to_array(words, ' '))
    FROM unnest(
      ${books.map(({ id }) => id)}::bigint[],
      ${books.map(({ title }) => title)}::text[],
      ${books.map(({ author }) => author)}::text[],
      ${books.map(({ year }) => year)}::integer[],
      ${books.map(({ created_at }) => created_at)}::timestamptz[],
      ${books.map(({ updated_at }) => updated_at)}::timestamptz[],
      ${words}::text[]
    ) AS book (id, title, author, year, created_at, updated_at, words)`;
}
