import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { freshDatabase } from "../../../test/postgres.ts";
import { openSilentProxy } from "../../../test/silent-proxy.ts";
import { openPostgresDatabase } from "../../server/database/postgres.ts";
import type { PostgresDatabase } from "../postgres.ts";

// On a busy machine, PostgreSQL takes its time to start.
setDefaultTimeout(60_000);

describe("a connection that falls silent", () => {
  const migrations = [
    { version: 1, name: "one", compatibleFrom: 1, sql: "CREATE TABLE first (id integer)" },
  ];
  const readFirst = (database: PostgresDatabase) =>
    database.read((query) => query("SELECT * FROM first"));

  /** Statements of the first connection in their order, its start included. */
  const STATEMENTS = [
    "its start",
    "the first statement",
    "the reading of the version",
    "BEGIN",
    "the lifting of timeouts",
    "the lock",
    "the level of messages",
    "CREATE TABLE",
    "COMMIT",
    "the second BEGIN",
    "the second lifting of timeouts",
    "the second lock",
    "the second level of messages",
    "the reading of the version under the lock",
    "the migration",
    "the record of it",
    "the second COMMIT",
  ];
  /** These may take any time. */
  const PATIENT = ["the lock", "the second lock", "the migration"];

  for (const [answers, what] of STATEMENTS.entries()) {
    if (PATIENT.includes(what)) continue;
    test.concurrent(`during preparation, at ${what}, is given up for another`, async () => {
      const { url, drop } = await freshDatabase();
      const all = Number.POSITIVE_INFINITY;
      const proxy = await openSilentProxy(url, (made) => (made === 1 ? answers : all));
      const database = openPostgresDatabase(proxy.url, { migrations });
      await expect(database.migrate()).rejects.toMatchObject({ code: "store_unavailable" });
      // The server would keep the lock of a transaction that it does not know to be lost.
      if (answers > STATEMENTS.indexOf("the lock")) proxy.drop();
      expect(await readFirst(database)).toHaveLength(0);
      expect(proxy.connections()).toBeGreaterThan(1);
      await database.close();
      proxy.close();
      await drop();
    });
  }

  test.concurrent("while another is busy: what waits for it gets a third", async () => {
    const { url, drop } = await freshDatabase();
    const all = Number.POSITIVE_INFINITY;
    const proxy = await openSilentProxy(url, (made) => (made === 2 ? 1 : all));
    const database = openPostgresDatabase(proxy.url, { migrations, poolSize: 2 });
    await database.migrate();
    const ended = Promise.withResolvers<void>();
    const busy = database.read(async () => ended.promise);
    expect(await readFirst(database)).toHaveLength(0);
    expect(database.poolUse?.()).toMatchObject({ inUse: 1 });
    ended.resolve();
    await busy;
    await database.close();
    proxy.close();
    await drop();
  });

  test.concurrent("later is given up for another", async () => {
    const { url, drop } = await freshDatabase();
    const proxy = await openSilentProxy(url);
    const database = openPostgresDatabase(proxy.url, { migrations });
    await database.migrate();
    proxy.silence();
    await expect(readFirst(database)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await readFirst(database)).toHaveLength(0);
    await database.close();
    proxy.close();
    await drop();
  });
});
