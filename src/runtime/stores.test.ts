import { expect, test } from "bun:test";
import { join } from "node:path";
import { freshDatabase } from "../../test/postgres.ts";
import { inTemporaryDirectory } from "../../test/service.ts";
import { UnusableDatabaseError } from "../database/sqlite.ts";
import { openSqliteFile } from "./sqlite-file.ts";
import { openStore } from "./stores.ts";

const POSTGRES_TIMEOUT_MS = 60_000;

function openSqliteStore(path: string) {
  const database = { kind: "sqlite", path } as const;
  return openStore({ database, databasePoolSize: 1, seedBooks: true }, Date.now);
}

test("a SQLite file of a newer release is refused by its path", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "newer.db");
    const first = await openSqliteStore(path);
    await first.prepare();
    await first.store.close();
    const file = openSqliteFile(path);
    file.exec("PRAGMA user_version = 99");
    file.close();
    const { store, prepare } = await openSqliteStore(path);
    await expect(prepare()).rejects.toThrow(UnusableDatabaseError);
    await expect(prepare()).rejects.toThrow(`${path}: The database has schema version 99`);
    await store.close();
  });
});

test("a file that is no database is refused as it is", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "letter.txt");
    await Bun.write(path, "Dear reader, this is no database.".repeat(20));
    await expect(openSqliteStore(path)).rejects.toThrow("it is not a SQLite database");
    expect(await Bun.file(path).text()).toStartWith("Dear reader");
  });
});

test(
  "a pool tells how many of its connections are in use, and how many wait for one",
  async () => {
    const { url, drop } = await freshDatabase();
    const config = {
      database: { kind: "postgres", url },
      databasePoolSize: 2,
      seedBooks: true,
    } as const;
    const { store, prepare, poolUse } = await openStore(config, Date.now);
    await prepare();
    expect(poolUse?.()).toEqual({ size: 2, inUse: 0, waiting: 0 });
    const asked = [store.get(1), store.get(1), store.get(1)];
    expect(poolUse?.()).toEqual({ size: 2, inUse: 2, waiting: 1 });
    await Promise.all(asked);
    expect(poolUse?.()).toEqual({ size: 2, inUse: 0, waiting: 0 });
    await store.close();
    await drop();
  },
  POSTGRES_TIMEOUT_MS,
);

test("a file and memory have no pool", async () => {
  const database = { kind: "memory" } as const;
  const { poolUse } = await openStore({ database, databasePoolSize: 1, seedBooks: true }, Date.now);
  expect(poolUse).toBeUndefined();
});
