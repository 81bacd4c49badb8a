import { type D1Database, translated } from "../../database/d1.ts";
import type { SqliteRow, Statement } from "../../database/sqlite.ts";
import type { Clock } from "../../time.ts";
import { requireEntry, requireWanted } from "../errors.ts";
import type { Resource } from "../resource.ts";
import type { OperationLimits, Store } from "../store.ts";
import { attemptChange } from "./attempts.ts";
import { type Change, sqliteStatements } from "./sqlite-statements.ts";

/** A store on a D1 database with the schema of database/migrations/sqlite, applied beforehand. */
export function createD1Store({ binding }: D1Database, resource: Resource, clock: Clock): Store {
  const statements = sqliteStatements(resource);
  const now = () => Math.floor(clock());
  const prepared = ({ sql, values }: Statement) => binding.prepare(sql).bind(...values);

  async function apply<T>(
    { statements: all, read: readRows }: Change<T>,
    limits?: OperationLimits,
  ): Promise<T> {
    requireWanted(limits);
    const results = await translated(() => binding.batch(all.map(prepared)));
    return readRows(results.map(({ results: rows }) => rows));
  }

  async function read(statement: Statement, limits?: OperationLimits): Promise<SqliteRow[]> {
    requireWanted(limits);
    const { results } = await translated(() => prepared(statement).all());
    return results;
  }

  return {
    async list(query, limits) {
      return (await read(statements.list(query), limits)).map(statements.toEntry);
    },

    async get(id, limits) {
      return statements.first(await read(statements.get(id), limits));
    },

    create: (input, idempotencyKey, limits) =>
      apply(statements.create(input, now(), idempotencyKey), limits),

    update: (id, changes, precondition, limits) =>
      attemptChange(`${resource.one} ${id}`, async () => {
        const found = statements.first(await read(statements.get(id), limits));
        const entry = requireEntry(resource, id, found, precondition);
        return apply(statements.update(entry, changes, now(), precondition), limits);
      }),

    delete: (id, precondition, limits) => apply(statements.delete(id, precondition), limits),

    addSamples: (inputs) => apply(statements.addSamples(inputs, now())),

    async removeExpired() {
      while ((await apply(statements.removeExpired(now()))) > 0);
    },

    // Nothing calls this here: a Worker has no time of its own, and no transaction for reading and writing.
    renewWords: async () => false,
  };
}
