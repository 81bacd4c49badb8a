import { afterAll, afterEach, beforeAll, beforeEach } from "bun:test";
import postgres, { type Sql } from "postgres";
import { type FreshDatabase, freshDatabase } from "./postgres.ts";

const TIMEOUT_MS = 60_000;

/**
 * For each test of a file an empty table `things (id integer)` on PostgreSQL: `sql` is what is tested, with
 * these options, and of one connection, so that one that is lost is missed; `admin` looks on.
 */
export function useThings(options: { backoff?: () => number } = {}) {
  const connections = {} as { sql: Sql; admin: Sql };
  let database: FreshDatabase;

  beforeAll(async () => {
    database = await freshDatabase();
    connections.admin = postgres(database.url, { max: 1, onnotice: () => {} });
  }, TIMEOUT_MS);

  beforeEach(async () => {
    await connections.admin`DROP TABLE IF EXISTS things`;
    await connections.admin`CREATE TABLE things (id integer)`;
    connections.sql = postgres(database.url, { max: 1, fetch_types: false, ...options });
  }, TIMEOUT_MS);

  afterEach(() => connections.sql.end());

  afterAll(async () => {
    await connections.admin.end();
    await database.drop();
  }, TIMEOUT_MS);

  return connections;
}
