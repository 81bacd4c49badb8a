import { type D1Database, translated, unavailableD1Error } from "../../database/d1.ts";
import type { SqliteRow } from "../../database/sqlite.ts";
import { type Clock, type Deadline, requireTimeLeft } from "../../time.ts";
import { requireEntry } from "../errors.ts";
import type { Resource } from "../resource.ts";
import type { Store } from "../store.ts";
import { type Change, type Statement, sqliteStatements } from "./sqlite-statements.ts";

/** How often a change starts again because others change the words of its entry in the meantime. */
const CHANGE_ATTEMPTS = 10;

/** A store on a D1 database with the schema of database/migrations/sqlite, applied beforehand. */
export function createD1Store({ binding }: D1Database, resource: Resource, clock: Clock): Store {
  const statements = sqliteStatements(resource);
  const now = () => Math.floor(clock());
  const prepared = ({ sql, values }: Statement) => binding.prepare(sql).bind(...values);

  async function apply<T>(
    { statements: all, read: readRows }: Change<T>,
    deadline?: Deadline,
  ): Promise<T> {
    requireTimeLeft(deadline);
    const results = await translated(() => binding.batch(all.map(prepared)));
    return readRows(results.map(({ results: rows }) => rows));
  }

  async function read(statement: Statement, deadline?: Deadline): Promise<SqliteRow[]> {
    requireTimeLeft(deadline);
    const { results } = await translated(() => prepared(statement).all());
    return results;
  }

  return {
    async list(query, deadline) {
      return (await read(statements.list(query), deadline)).map(statements.toEntry);
    },

    async get(id, deadline) {
      return statements.first(await read(statements.get(id), deadline));
    },

    create: (input, idempotencyKey, deadline) =>
      apply(statements.create(input, now(), idempotencyKey), deadline),

    async update(id, changes, precondition, deadline) {
      for (let attempt = 0; attempt < CHANGE_ATTEMPTS; attempt += 1) {
        const found = statements.first(await read(statements.get(id), deadline));
        const entry = requireEntry(resource, id, found, precondition);
        const update = statements.update(entry, changes, now(), precondition);
        const changed = await apply(update, deadline);
        if (changed) return changed;
      }
      throw unavailableD1Error(
        new Error(`${resource.one} ${id} changed ${CHANGE_ATTEMPTS} times in the meantime`),
      );
    },

    delete: (id, precondition, deadline) => apply(statements.delete(id, precondition), deadline),

    addSamples: (inputs) => apply(statements.addSamples(inputs, now())),
  };
}
