import type { SqliteRow, Statement } from "../../database/sqlite.ts";
import type { SqliteDatabase } from "../../database/sqlite-database.ts";
import { type Statements, statementRunner } from "../../database/sqlite-writer.ts";
import type { Clock } from "../../time.ts";
import { requireEntry, requireWanted } from "../errors.ts";
import type { Entry, Resource } from "../resource.ts";
import type { OperationLimits, Store } from "../store.ts";
import { attemptChange } from "./attempts.ts";
import { isQuick, listLarge } from "./large-lists.ts";
import { decomposedTexts, nextPlace, placeOfRenewal } from "./renewal.ts";
import { type Change, sqliteStatements } from "./sqlite-statements.ts";

/** In a table of this size, no list holds up other requests for more than a few milliseconds. */
const MAX_ENTRIES_INLINE = 10_000;

/** A store on a migrated SQLite database. It reads at once, and leaves what it writes to the writer. */
export function createSqliteStore(
  { connection, reader, writer, translate }: SqliteDatabase,
  resource: Resource,
  clock: Clock,
): Store {
  const statements = sqliteStatements(resource);
  const run = statementRunner(connection);
  const now = () => Math.floor(clock());
  const hasWords = resource.search.length > 0;
  const lastId = () => Number(read(statements.lastId)[0]?.id);

  function read(wanted: Statement): SqliteRow[] {
    try {
      return run(wanted);
    } catch (error) {
      return throwTranslated(error);
    }
  }

  function throwTranslated(error: unknown): never {
    throw translate(error);
  }

  const write = (wanted: Statements, limits?: OperationLimits) =>
    writer.write(wanted, () => requireWanted(limits)).catch(throwTranslated);

  async function apply<T>(change: Change<T>, limits?: OperationLimits): Promise<T> {
    return change.read(await write(change.statements, limits));
  }

  return {
    async list(query, limits) {
      if (!reader || isQuick(query) || lastId() <= MAX_ENTRIES_INLINE) {
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
      apply(statements.create(input, now(), idempotencyKey), limits),

    update: (id, changes, precondition, limits) =>
      attemptChange(`${resource.one} ${id}`, async () => {
        const found = statements.first(read(statements.get(id)));
        const entry = requireEntry(resource, id, found, precondition);
        return apply(statements.update(entry, changes, now(), precondition), limits);
      }),

    delete: (id, precondition, limits) => apply(statements.delete(id, precondition), limits),

    async addSamples(inputs) {
      // Usually there is nothing to do: then nothing is written, and a start is quicker.
      if (lastId() === 0) await apply(statements.addSamples(inputs, now()));
    },

    async removeExpired() {
      while (Number(read(statements.expired(now()))[0]?.expired) > 0) {
        await apply(statements.removeExpired(now()));
      }
    },

    renewWords: async () => hasWords && renewSomeWords(),
  };

  /** Others may change entries between the reading and the writing: then theirs stands. */
  async function renewSomeWords(): Promise<boolean> {
    const place = placeOfRenewal(read(statements.wordsState)[0]);
    if (place === null) return false;
    const entries = read(statements.entriesAfter(place)).map(statements.toEntry);
    const renewed = await Promise.all(entries.map(renew));
    // What is not renewed yet is read again by the next call.
    if (renewed.includes(false)) return true;
    const next = nextPlace(entries);
    await write([statements.setWordsState(next)]);
    return next !== null;
  }

  async function renew(entry: Entry): Promise<boolean> {
    const changes = decomposedTexts(entry);
    if (changes) {
      const precondition = { updatedAt: entry.updated_at };
      const changed = await apply(statements.update(entry, changes, now(), precondition));
      return changed !== undefined;
    }
    await write([statements.setWords(entry)]);
    return true;
  }
}
