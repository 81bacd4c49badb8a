import { join } from "node:path";
import type { D1Binding, D1Result, D1Statement } from "../src/database/d1.ts";
import type { SqliteValue } from "../src/database/sqlite.ts";
import { D1_MIGRATIONS } from "./example/migrations/d1.ts";
import { D1_BINDING, startWorker } from "./runtimes/worker.ts";

/** A new, empty D1 database in memory, on workerd. */
export type FreshD1 = { database: D1Binding; close: () => Promise<void> };

/** Runs in the Worker that the database is bound to. */
const RUN_BATCH = `export default {
  async fetch(request, { DB }) {
    try {
      const statements = await request.json();
      const bound = statements.map(({ sql, values }) => DB.prepare(sql).bind(...values));
      return Response.json({ results: await DB.batch(bound) });
    } catch (error) {
      return Response.json({ error: error.message });
    }
  },
}`;

export async function freshD1(): Promise<FreshD1> {
  const { url, close } = await startWorker(RUN_BATCH, { DB: D1_BINDING });
  return { database: batchesAt(url), close };
}

type Bound = D1Statement & { sql: string; values: SqliteValue[] };

/** Miniflare's own access to a database from outside is several times slower. */
function batchesAt(url: string): D1Binding {
  async function batch(statements: D1Statement[]): Promise<D1Result[]> {
    const answer = await fetch(url, { method: "POST", body: JSON.stringify(statements) });
    const { results, error } = (await answer.json()) as { results: D1Result[]; error?: string };
    if (error !== undefined) throw new Error(error);
    return results;
  }
  function prepare(sql: string, ...values: SqliteValue[]): Bound {
    const statement: Bound = {
      sql,
      values,
      bind: (...next) => prepare(sql, ...next),
      all: async () => (await batch([statement]))[0] ?? { results: [] },
    };
    return statement;
  }
  return { prepare: (sql) => prepare(sql), batch };
}

/** Applies the migrations like `wrangler d1 migrations apply`. */
export async function migrateD1(database: D1Binding): Promise<void> {
  for (const name of [...new Bun.Glob("*.sql").scanSync(D1_MIGRATIONS)].sort()) {
    await applyToD1(database, await Bun.file(join(D1_MIGRATIONS, name)).text());
  }
}

/** Runs SQL that has no semicolon but after statements. */
export async function applyToD1(database: D1Binding, sql: string): Promise<void> {
  const statements = sql
    .replaceAll(/--.*/g, "")
    .split(";")
    .filter((statement) => statement.trim() !== "");
  await database.batch(statements.map((statement) => database.prepare(statement)));
}

/** Leaves a migrated database as if it never had an entry in these tables. */
export async function emptyD1(database: D1Binding, tables: readonly string[]): Promise<void> {
  const all = [...tables, "idempotency_keys", "sqlite_sequence"];
  await database.batch(all.map((table) => database.prepare(`DELETE FROM "${table}"`)));
}
