import { type D1Database, translateD1Error, unavailableD1Error } from "../../database/d1.ts";
import type { SqliteRow } from "../../database/sqlite.ts";
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

/** How often a change begins anew because others change the title or the author of its book meanwhile. */
const CHANGE_ATTEMPTS = 10;

type D1Options = { database: D1Database; clock: Clock; seed: readonly BookInput[] };

/**
 * A store on a D1 database with the schema of migrations/sqlite, which is applied to it beforehand. A
 * database that never had a book gets the `seed` at the first operation that reaches it.
 */
export function createD1BookStore({ database, clock, seed }: D1Options): BookStore {
  const now = () => Math.floor(clock());
  let seeded = seed.length === 0;

  const prepared = ({ sql, values }: Statement) => database.prepare(sql).bind(...values);

  async function apply<T>({ statements, read }: Change<T>): Promise<T> {
    const results = await translated(() => database.batch(statements.map(prepared)));
    return read(results.map(({ results: rows }) => rows));
  }

  /** Where calls come together, each of them tries: on Workers none may wait for another request. */
  async function ready(): Promise<void> {
    if (seeded) return;
    await apply(seedBooks(seed, now()));
    seeded = true;
  }

  async function read(statement: Statement): Promise<SqliteRow[]> {
    await ready();
    const { results } = await translated(() => prepared(statement).all());
    return results;
  }

  async function write<T>(change: Change<T>): Promise<T> {
    await ready();
    return apply(change);
  }

  return {
    async ping() {
      await read(pingBooks);
    },

    async list(query) {
      return (await read(listBooks(query))).map(toBook);
    },

    async get(id) {
      return firstBook(await read(findBook(id)));
    },

    create(input, idempotencyKey) {
      return write(createBook(input, now(), idempotencyKey));
    },

    async update(id, changes, precondition) {
      for (let attempt = 0; attempt < CHANGE_ATTEMPTS; attempt += 1) {
        const book = requireBook(id, firstBook(await read(findBook(id))), precondition);
        const changed = await write(changeBook(book, changes, now(), precondition));
        if (changed) return changed;
      }
      throw unavailableD1Error(new Error(`Book ${id} changed ${CHANGE_ATTEMPTS} times meanwhile`));
    },

    delete: (id, precondition) => write(deleteBook(id, precondition)),

    async close() {},
  };
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translateD1Error(error);
  }
}
