import { sqliteMigrations } from "../../database/migrations/sqlite.ts";
import {
  inTransaction,
  isBusyError,
  migrateSqlite,
  type SqliteDatabase,
  type SqliteRow,
  type SqliteStatement,
  translateSqliteError,
} from "../../database/sqlite.ts";
import type { Clock } from "../../time.ts";
import type { BookInput } from "../book.ts";
import { requireBook } from "../errors.ts";
import type { BookStore } from "../store.ts";
import {
  type Change,
  changeBook,
  createBook,
  deleteBook,
  findBook,
  firstBook,
  listBooks,
  pingBooks,
  type Statement,
  seedBooks,
  toBook,
} from "./sqlite-statements.ts";

/** How long a write waits for another process to finish its own. */
const WRITE_LOCK_TIMEOUT_MS = 5000;
const WRITE_LOCK_PAUSE_MS = 25;

/**
 * Brings the schema up to date, and gives a database that never had a book the `seed`: all of it, or
 * nothing. In one transaction, for each waits for the disk.
 *
 * @returns how many migrations this call applied.
 */
export function prepareSqliteBooks(
  database: SqliteDatabase,
  clock: Clock,
  seed: readonly BookInput[],
): number {
  const run: Run = ({ sql, values }) => database.prepare(sql).all(...values);
  return inTransaction(database, () => {
    const applied = migrateSqlite(database, sqliteMigrations);
    apply(run, seedBooks(seed, Math.floor(clock())));
    return applied;
  });
}

/** A store on a prepared SQLite database (see {@link prepareSqliteBooks}), which it closes. */
export function createSqliteBookStore(database: SqliteDatabase, clock: Clock): BookStore {
  const statement = statementCache(database);
  const run: Run = ({ sql, values }) => statement(sql).all(...values);
  const read = (wanted: Statement) => translated(() => run(wanted));
  const now = () => Math.floor(clock());

  return {
    async ping() {
      read(pingBooks);
    },

    async list(query) {
      return read(listBooks(query)).map(toBook);
    },

    async get(id) {
      return firstBook(read(findBook(id)));
    },

    async create(input, idempotencyKey) {
      return inWriteTransaction(database, () =>
        apply(run, createBook(input, now(), idempotencyKey)),
      );
    },

    async update(id, changes, precondition) {
      return inWriteTransaction(database, () => {
        const book = requireBook(id, firstBook(run(findBook(id))), precondition);
        return requireBook(id, apply(run, changeBook(book, changes, now())));
      });
    },

    async delete(id, precondition) {
      await inWriteTransaction(database, () => apply(run, deleteBook(id, precondition)));
    },

    async close() {
      database.close();
    },
  };
}

type Run = (statement: Statement) => SqliteRow[];

/** To be called in a transaction. */
function apply<T>(run: Run, { statements, read }: Change<T>): T {
  return read(statements.map(run));
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
