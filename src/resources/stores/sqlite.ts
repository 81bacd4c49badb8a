import {
  inTransaction,
  isBusyError,
  type SqliteConnection,
  type SqliteDatabase,
  type SqliteStatement,
  type Statement,
  translated,
  translateSqliteError,
} from "../../database/sqlite.ts";
import type { Clock } from "../../time.ts";
import { requireEntry, requireWanted } from "../errors.ts";
import type { Resource } from "../resource.ts";
import type { OperationLimits, Store } from "../store.ts";
import { isQuick, listLarge } from "./large-lists.ts";
import { decomposedTexts, nextPlace, placeOfRenewal } from "./renewal.ts";
import { type Change, sqliteStatements } from "./sqlite-statements.ts";

/** How long a write waits for another process to finish its own. */
const WRITE_LOCK_TIMEOUT_MS = 5000;
const WRITE_LOCK_PAUSE_MS = 25;

/** In a table of this size, no list holds up other requests for more than a few milliseconds. */
const MAX_ENTRIES_INLINE = 10_000;

/** A store on a migrated SQLite database. */
export function createSqliteStore(
  { connection, reader }: SqliteDatabase,
  resource: Resource,
  clock: Clock,
): Store {
  const statements = sqliteStatements(resource);
  const prepare = statementCache(connection);
  const run = ({ sql, values, isKept = true }: Statement) =>
    (isKept ? prepare(sql) : connection.prepare(sql)).all(...values);
  const read = (wanted: Statement) => translated(() => run(wanted));
  const now = () => Math.floor(clock());
  const hasWords = resource.search.length > 0;
  const isLarge = () => Number(read(statements.lastId)[0]?.id) > MAX_ENTRIES_INLINE;
  const write = <T>(limits: OperationLimits | undefined, work: () => T) =>
    inWriteTransaction(connection, work, limits);
  /** To be called in a transaction. */
  const apply = <T>(change: Change<T>) => change.read(change.statements.map(run));

  return {
    async list(query, limits) {
      if (!reader || isQuick(query) || !isLarge()) {
        return read(statements.list(query)).map(statements.toEntry);
      }
      return listLarge(resource, query, async (part) => {
        const rows = reader.all(statements.list(part), limits?.deadline).catch(throwTranslated);
        return (await rows).map(statements.toEntry);
      });
    },

    async get(id) {
      return statements.first(read(statements.get(id)));
    },

    create: (input, idempotencyKey, limits) =>
      write(limits, () => apply(statements.create(input, now(), idempotencyKey))),

    update: (id, changes, precondition, limits) =>
      write(limits, () => {
        const found = statements.first(run(statements.get(id)));
        const entry = requireEntry(resource, id, found, precondition);
        return requireEntry(resource, id, apply(statements.update(entry, changes, now())));
      }),

    delete: (id, precondition, limits) =>
      write(limits, () => apply(statements.delete(id, precondition))),

    addSamples: (inputs) => write(undefined, () => apply(statements.addSamples(inputs, now()))),

    async removeExpired() {
      while ((await write(undefined, () => apply(statements.removeExpired(now())))) > 0);
    },

    renewWords: async () => hasWords && write(undefined, renewSomeWords),
  };

  /** To be called in a transaction. */
  function renewSomeWords(): boolean {
    const place = placeOfRenewal(run(statements.wordsState)[0]);
    if (place === null) return false;
    const entries = run(statements.entriesAfter(place)).map(statements.toEntry);
    for (const entry of entries) {
      const changes = decomposedTexts(entry);
      if (changes) apply(statements.update(entry, changes, now()));
      else run(statements.setWords(entry));
    }
    const next = nextPlace(entries);
    run(statements.setWordsState(next));
    return next !== null;
  }
}

/**
 * Runs `work` in a transaction. While another process holds the write lock it tries again and again:
 * SQLite's own waiting would stop every other request too, as the driver is synchronous.
 */
async function inWriteTransaction<T>(
  connection: SqliteConnection,
  work: () => T,
  limits: OperationLimits | undefined,
): Promise<T> {
  const patience = performance.now() + WRITE_LOCK_TIMEOUT_MS;
  for (;;) {
    requireWanted(limits);
    try {
      return inTransaction(connection, work);
    } catch (error) {
      if (!isBusyError(error) || performance.now() > patience) throw translateSqliteError(error);
    }
    // Not all at the same moment, where several processes wait.
    await pause(Math.random() * WRITE_LOCK_PAUSE_MS);
  }
}

function throwTranslated(error: unknown): never {
  throw translateSqliteError(error);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

function statementCache(connection: SqliteConnection) {
  const statements = new Map<string, SqliteStatement>();
  return (sql: string): SqliteStatement => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = connection.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
}
