import { readFileSync } from "node:fs";
import postgres from "postgres";
import { CONNECT_TIMEOUT_SECONDS, connectionOptions } from "../../database/postgres/connection.ts";
import type { Server } from "../../database/postgres/open-connection.ts";
import { type PostgresPlace, postgresTarget } from "../../database/postgres/url.ts";

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
