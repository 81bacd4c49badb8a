import postgres from "postgres";
import { postgresMigrations } from "../database/migrations/postgres.ts";
import { connectionOptions } from "../database/postgres/connection.ts";
import { migratePostgres, readPostgresVersion } from "../database/postgres/migrate.ts";
import type { Clock } from "../time.ts";
import { createPostgresTransfer } from "./postgres.ts";

const CLOSE_TIMEOUT_SECONDS = 5;

/** Connects to a PostgreSQL database to copy from it or to it. The first use reaches the server. */
export function connectForTransfer(url: string, clock: Clock) {
  // Rows are written as arrays, one a column.
  const sql = postgres(url, { ...connectionOptions(url), fetch_types: true, max: 1 });
  return {
    transfer: createPostgresTransfer(sql, clock),
    /** Brings the schema up to date. */
    migrate: () => migratePostgres(sql, postgresMigrations),
    /** The version of the schema: 0 where there is none. */
    version: () => readPostgresVersion(sql),
    close: () => sql.end({ timeout: CLOSE_TIMEOUT_SECONDS }),
  };
}
