import { DomainError } from "../errors.ts";
import type { DatabaseLifecycle } from "./lifecycle.ts";
import type { SqliteRow, SqliteValue } from "./sqlite.ts";

export type D1Result = { results: SqliteRow[] };

export interface D1Statement {
  bind(...values: SqliteValue[]): D1Statement;
  all(): Promise<D1Result>;
}

/**
 * The part of a D1 database that is used here: SQLite over a network, with no transaction but that of
 * a batch.
 *
 * @see https://developers.cloudflare.com/d1/worker-api/d1-database/
 */
export interface D1Binding {
  prepare(sql: string): D1Statement;
  /** Runs statements in order, in one transaction. */
  batch(statements: D1Statement[]): Promise<D1Result[]>;
}

/** A D1 database. Wrangler applies the migrations, never the service. */
export type D1Database = DatabaseLifecycle & { kind: "d1"; binding: D1Binding };

export function createD1Database(binding: D1Binding): D1Database {
  return {
    kind: "d1",
    binding,
    migrate: async () => 0,
    async ping() {
      // Fails where the migrations have not been applied.
      const sql = "SELECT 1 FROM idempotency_keys LIMIT 1";
      await translated(async () => binding.prepare(sql).all());
      return "ok";
    },
    close: async () => {},
  };
}

/** How D1's errors say that the statement, or a value of it, is wrong: then asking again will not help. */
const WRONG_STATEMENT = /^D1_TYPE_ERROR|\bSQLITE_(?:ERROR|CONSTRAINT|MISMATCH|RANGE|TOOBIG|AUTH)\b/;

const WRONG_SCHEMA = /no such (?:table|column)/;

/** D1's error in the domain's words where the database is at fault, else the error itself. */
export function translateD1Error(error: unknown): unknown {
  const message = error instanceof Error ? error.message : "";
  if (WRONG_SCHEMA.test(message)) {
    return unavailableD1Error(
      new Error(`${message}; apply the migrations: wrangler d1 migrations apply DB --remote`),
    );
  }
  return WRONG_STATEMENT.test(message) ? error : unavailableD1Error(error);
}

/** Runs `work`, and throws its errors in the domain's words. */
export async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translateD1Error(error);
  }
}

function unavailableD1Error(cause: unknown): DomainError {
  return new DomainError("store_unavailable", "The database cannot be used right now.", { cause });
}
