import { readFileSync } from "node:fs";
import postgres from "postgres";
import type { Migration } from "../../database/migrations/migration.ts";
import { CONNECT_TIMEOUT_SECONDS, connectionOptions } from "../../database/postgres/connection.ts";
import { createPostgresDatabase } from "../../database/postgres/database.ts";
import type { Server } from "../../database/postgres/open-connection.ts";
import { createPostgresPool } from "../../database/postgres/pool.ts";
import { postgresTarget } from "../../database/postgres/url.ts";
import type { PostgresDatabase } from "../../database/postgres.ts";

const POOL_SIZE = 10;

/** Where a database is, and which CAs to trust there. */
export type PostgresPlace = {
  url: string;
  /** The certificates of the CAs to trust, in PEM: by default, those of the file that the URL names. */
  ca?: string | undefined;
};

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

/**
 * The servers of a place as it is now; only its password and its CAs may change afterwards.
 *
 * @param more options of the driver, in place of the usual ones.
 */
export function postgresServers(
  current: () => PostgresPlace,
  more: { fetch_types?: boolean } = {},
): Server[] {
  const { url } = current();
  const { servers, connectTimeoutSeconds = CONNECT_TIMEOUT_SECONDS, role } = postgresTarget(url);
  return servers.map((server) => ({
    role,
    connectTimeoutMs: connectTimeoutSeconds * 1000,
    connect: (onclose) => {
      const now = current();
      const { password } = postgresTarget(now.url);
      return postgres({
        ...connectionOptions(url, { ca: now.ca ?? rootCertificate(now.url), server }),
        // The driver looks elsewhere for a password that the URL does not have.
        ...(password !== undefined && { password }),
        ...more,
        max: 1,
        onclose,
      });
    },
  }));
}

function rootCertificate(url: string): string | undefined {
  const { rootCertificate: path } = postgresTarget(url);
  return path === undefined || path === "system" ? undefined : readFileSync(path, "utf8");
}
