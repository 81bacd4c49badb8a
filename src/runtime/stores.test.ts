import { expect, test } from "bun:test";
import { join } from "node:path";
import { inTemporaryDirectory } from "../../test/service.ts";
import { UnusableDatabaseError } from "../database/sqlite.ts";
import { openSqliteFile } from "./sqlite-file.ts";
import { openStore } from "./stores.ts";

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
