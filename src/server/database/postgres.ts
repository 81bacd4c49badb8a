import type { Migration } from "../../database/migrations/migration.ts";
import { createPostgresDatabase } from "../../database/postgres/database.ts";
import { createPostgresPool } from "../../database/postgres/pool.ts";
import type { PostgresPlace } from "../../database/postgres/url.ts";
import type { PostgresDatabase } from "../../database/postgres.ts";
import { postgresServers } from "./postgres-servers.ts";

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
 * The PostgreSQL database that a URL names. If a function returns its place, every new connection takes its
 * password and CAs from it, and `reconnect` the rest of it. It connects when it is first used, and again by
 * itself when a connection is lost; the first operation that reaches the server brings the schema up to date,
 * unless `migrate` has done so.
 *
 * @throws {Error} if the URL names no database, or has parameters that are not supported.
 */
export function openPostgresDatabase(
  place: string | (() => PostgresPlace),
  { poolSize = POOL_SIZE, migrations, traceparent }: OpenPostgresOptions = {},
): PostgresDatabase {
  const current = typeof place === "string" ? () => ({ url: place }) : place;
  return createPostgresDatabase({
    open: (options) =>
      createPostgresPool({ ...options, size: poolSize, servers: () => postgresServers(current) }),
    traceparent,
    ...(migrations && { migrations }),
  });
}
