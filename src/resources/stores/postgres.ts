import type { Sql, TransactionSql } from "postgres";
import { postgresMigrations } from "../../database/migrations/postgres.ts";
import {
  inTransaction,
  migratePostgres,
  underMigrationLock,
} from "../../database/postgres/migrate.ts";
import {
  createPostgresPool,
  type PoolOptions,
  type PostgresConnections,
} from "../../database/postgres/pool.ts";
import { commented } from "../../database/postgres/sql-comment.ts";
import type { Clock } from "../../time.ts";
import { type Book, type BookInput, bookSchema } from "../book.ts";
import { expectSameInput, requireBook } from "../errors.ts";
import {
  type BookQuery,
  type Creation,
  EXPIRED_ANSWERS_PER_CALL,
  IDEMPOTENCY_WINDOW_MS,
  type PostgresBookStore,
} from "../store.ts";
import { bookWords } from "../words.ts";

type PostgresOptions = {
  /** Makes a pool. It is called again when the last one no longer answers. */
  connect: () => Sql;
  clock: Clock;
  seed: readonly BookInput[];
  /** Keeps the connections: those of a pool, unless another way is given. */
  open?: (options: PoolOptions) => PostgresConnections;
  /** Names the request under way to the server, as a `traceparent` header, if it is to be followed. */
  traceparent?: (() => string | undefined) | undefined;
};

/**
 * A store on PostgreSQL. Its first operation that reaches the server brings the schema up to date, so
 * it can be made while the server is down.
 *
 * @throws {NewerSchemaError} from any operation, when the database is of a newer release.
 */
export function createPostgresBookStore(options: PostgresOptions): PostgresBookStore {
  const { connect, clock, seed, open = createPostgresPool, traceparent } = options;
  const connections = open({
    connect,
    prepare: (sql) => preparePostgresBooks(sql, clock, seed),
  });
  const { prepare, share, renew, reconnect, running, close } = connections;

  function run<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const request = traceparent?.();
    return connections.run(request === undefined ? work : (sql) => work(commented(sql, request)));
  }

  return {
    prepare,
    renew: () => renew?.(),
    reconnect: () => reconnect?.(),
    running: () => running?.() ?? 0,

    // Without a key, /ready asks for it.
    ping: share(() =>
      run(async (sql) => {
        await sql`SELECT 1 FROM books LIMIT 1`;
      }),
    ),

    list: (query) => run(async (sql) => (await selectBooks(sql, query)).map(toBook)),

    get: (id) =>
      run(async (sql) => {
        const [row] = await sql`SELECT ${columns(sql)} FROM books WHERE id = ${id}`;
        return row && toBook(row);
      }),

    create: (input, idempotencyKey) =>
      run((sql) =>
        // In a transaction in either case: it is undone where nobody waits for its answer any more.
        inTransaction(sql, async (transaction) =>
          idempotencyKey === undefined
            ? { book: await insertBook(transaction, input, clock()), replayed: false }
            : createOnce(transaction, input, idempotencyKey, clock()),
        ),
      ),

    update: (id, changes, precondition) =>
      run((sql) =>
        inTransaction(sql, async (transaction) => {
          const book = requireBook(id, await lockBook(transaction, id), precondition);
          return replaceBook(transaction, { ...book, ...changes }, clock());
        }),
      ),

    delete: (id, precondition) =>
      run((sql) =>
        inTransaction(sql, async (transaction) => {
          requireBook(id, await lockBook(transaction, id), precondition);
          await transaction`DELETE FROM books WHERE id = ${id}`;
        }),
      ),

    close,
  };
}

/** Brings the schema up to date, and gives a database that never had a book the `seed`. */
async function preparePostgresBooks(
  sql: Sql,
  clock: Clock,
  seed: readonly BookInput[],
): Promise<number> {
  const applied = await migratePostgres(sql, postgresMigrations);
  if (seed.length === 0 || (await everHadBook(sql))) return applied;
  await underMigrationLock(sql, async (transaction) => {
    if (await everHadBook(transaction)) return;
    for (const input of seed) await insertBook(transaction, input, clock());
  });
  return applied;
}

async function everHadBook(sql: Sql | TransactionSql): Promise<boolean> {
  const [sequence] = await sql`SELECT is_called FROM books_id_seq`;
  return sequence?.is_called === true;
}

function columns(sql: Sql | TransactionSql) {
  return sql`id, title, author, year, created_at, updated_at`;
}

/** Finds by keyset: never by counting off the rows before a page. */
function selectBooks(sql: Sql, { sort, after, words, author, year, limit }: BookQuery) {
  const field = sql(sort.field);
  const comparison = sort.descending ? sql`<` : sql`>`;
  const direction = sort.descending ? sql`DESC` : sql`ASC`;
  const conditions = [
    words.length > 0 && sql`words @@ ${prefixQuery(words)}::tsquery`,
    author !== undefined && sql`author = ${author}`,
    year !== undefined && sql`year = ${year}`,
    after &&
      (sort.field === "id"
        ? sql`id ${comparison} ${after.id}`
        : sql`(${field}, id) ${comparison} (${after.value}, ${after.id})`),
  ].filter((condition) => condition !== undefined && condition !== false);
  const where = conditions.reduce(
    (joined, condition, index) =>
      sql`${joined} ${index === 0 ? sql`WHERE` : sql`AND`} ${condition}`,
    sql``,
  );
  return sql`SELECT ${columns(sql)} FROM books ${where}
    ORDER BY ${field} ${direction}, id ${direction} LIMIT ${limit}`;
}

/** Words are letters and numbers only, so quoting them is all the escaping that a tsquery needs. */
function prefixQuery(words: readonly string[]): string {
  return words.map((word) => `'${word}':*`).join(" & ");
}

async function insertBook(sql: Sql | TransactionSql, input: BookInput, now: number) {
  const at = new Date(now);
  const [row] = await sql`
    INSERT INTO books (title, author, year, created_at, updated_at, words)
    VALUES (${input.title}, ${input.author}, ${input.year}, ${at}, ${at}, ${lexemes(sql, input)})
    RETURNING ${columns(sql)}`;
  return toBook(row ?? {});
}

/**
 * The words as they are: no parser or dictionary of the server's comes between. As one text, for which
 * the driver need not ask the server about its types of arrays.
 */
function lexemes(sql: Sql | TransactionSql, book: BookInput) {
  return sql`array_to_tsvector(string_to_array(${[...new Set(bookWords(book))].join(" ")}, ' '))`;
}

async function lockBook(sql: TransactionSql, id: number): Promise<Book | undefined> {
  const [row] = await sql`SELECT ${columns(sql)} FROM books WHERE id = ${id} FOR UPDATE`;
  return row && toBook(row);
}

async function replaceBook(sql: TransactionSql, book: Book, now: number): Promise<Book> {
  const [row] = await sql`
    UPDATE books SET title = ${book.title}, author = ${book.author}, year = ${book.year},
      words = ${lexemes(sql, book)},
      updated_at = greatest(${new Date(now)}, updated_at + interval '1 millisecond')
    WHERE id = ${book.id} RETURNING ${columns(sql)}`;
  return toBook(row ?? {});
}

/** Of calls that come together, all but the first wait at the key's row until that one has finished. */
async function createOnce(
  sql: TransactionSql,
  input: BookInput,
  key: string,
  now: number,
): Promise<Creation> {
  const oldest = new Date(now - IDEMPOTENCY_WINDOW_MS);
  const [claimed] = await sql`
    INSERT INTO idempotency_keys (key, created_at) VALUES (${key}, ${new Date(now)})
    ON CONFLICT (key) DO UPDATE SET answer = NULL, created_at = excluded.created_at
      WHERE idempotency_keys.created_at <= ${oldest}
    RETURNING key`;
  if (!claimed) {
    const earlier = await findAnswer(sql, key);
    expectSameInput(earlier, input);
    return { book: earlier, replayed: true };
  }
  const book = await insertBook(sql, input, now);
  await sql`UPDATE idempotency_keys SET answer = ${sql.json(book)} WHERE key = ${key}`;
  await sql`DELETE FROM idempotency_keys WHERE key IN (
    SELECT key FROM idempotency_keys WHERE created_at <= ${oldest}
    ORDER BY created_at LIMIT ${EXPIRED_ANSWERS_PER_CALL} FOR UPDATE SKIP LOCKED)`;
  return { book, replayed: false };
}

async function findAnswer(sql: TransactionSql, key: string): Promise<Book> {
  const [row] = await sql`SELECT answer FROM idempotency_keys WHERE key = ${key}`;
  return bookSchema.parse(row?.answer);
}

export function toBook(row: Record<string, unknown>): Book {
  return {
    id: Number(row.id),
    title: String(row.title),
    author: String(row.author),
    year: Number(row.year),
    created_at: toTimestamp(row.created_at),
    updated_at: toTimestamp(row.updated_at),
  };
}

function toTimestamp(value: unknown): string {
  if (!(value instanceof Date)) throw new TypeError("Expected a timestamp from the database");
  return value.toISOString();
}
