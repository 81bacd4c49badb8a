import postgres from "postgres";
import type { Migration } from "../../database/migrations/migration.ts";
import { connectionOptions } from "../../database/postgres/connection.ts";
import { createPostgresDatabase } from "../../database/postgres/database.ts";
import type { PostgresDatabase } from "../../database/postgres.ts";

const RECONNECT_DELAY_SECONDS = 0.25;
const POOL_SIZE = 10;

export type OpenPostgresOptions = {
  /** The most connections: 10 by default. */
  poolSize?: number;
  /** The schema's migrations: the service's own by default. */
  migrations?: readonly Migration[];
  /** Names the request in progress, as a `traceparent` header, in a comment of its SQL. */
  traceparent?: (() => string | undefined) | undefined;
};

/**
 * The PostgreSQL database that a URL names. If a function returns the URL, every new connection takes its
 * password from it, and `reconnect` the rest of it. It connects when it is first used, and again by itself
 * when a connection is lost; the first operation that reaches the server brings the schema up to date,
 * unless `migrate` has done so.
 */
export function openPostgresDatabase(
  url: string | (() => string),
  { poolSize = POOL_SIZE, migrations, traceparent }: OpenPostgresOptions = {},
): PostgresDatabase {
  const currentUrl = typeof url === "string" ? () => url : url;
  const password = () => passwordOf(currentUrl());
  const connect = () =>
    postgres(currentUrl(), {
      ...connectionOptions(currentUrl()),
      // The driver looks elsewhere for a password that the URL does not have.
      ...(password() !== "" && { password }),
      max: poolSize,
      backoff: () => RECONNECT_DELAY_SECONDS,
    });
  return createPostgresDatabase({
    connect,
    poolSize,
    traceparent,
    ...(migrations && { migrations }),
  });
}

function passwordOf(url: string): string {
  return decodeURIComponent(URL.parse(url)?.password ?? "");
}
