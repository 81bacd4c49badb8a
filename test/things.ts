import { afterAll, afterEach, beforeAll, beforeEach } from "bun:test";
import postgres, { type Sql } from "postgres";
import { type FreshDatabase, freshDatabase } from "./postgres.ts";

const TIMEOUT_MS = 60_000;

/**
 * An empty table `things (id integer)` on PostgreSQL for each test of a file. `sql` is tested, with
 * these options and one connection, so that a lost connection is noticed; `admin` observes.
 */
export function useThings(options: { backoff?: () => number } = {}) {
  const connections = { url: () => database.url } as { sql: Sql; admin: Sql; url: () => string };
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
