import { expect, test } from "bun:test";
import { join } from "node:path";
import { inTemporaryDirectory } from "../../../test/service.ts";
import { openSqliteFile } from "../../server/database/sqlite-file.ts";
import { createSqliteBookStore, prepareSqliteBooks } from "./sqlite.ts";

const DUNE = { title: "Dune", author: "Frank Herbert", year: 1965 };
const OTHERS_TURN_MS = 50;

test("a write waits for another connection's, and a read does not", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "books.db");
    const file = openSqliteFile(path);
    prepareSqliteBooks(file, Date.now, []);
    file.exec("PRAGMA busy_timeout = 0");
    const store = createSqliteBookStore(file, Date.now);
    const other = openSqliteFile(path);
    other.exec("BEGIN IMMEDIATE");
    let written = false;
    const write = store.create(DUNE).then(() => {
      written = true;
    });
    await Bun.sleep(OTHERS_TURN_MS);
    expect(await store.get(1)).toBeUndefined();
    expect(written).toBe(false);
    other.exec("COMMIT");
    await write;
    expect(await store.get(1)).toMatchObject(DUNE);
    other.close();
    await store.close();
  });
});

test("a file that cannot be read is the database's fault", async () => {
  const cause = Object.assign(new Error("disk I/O error"), { errcode: 10 });
  const prepare = () => {
    throw cause;
  };
  const store = createSqliteBookStore({ exec: () => {}, prepare, close: () => {} }, Date.now);
  const unavailable = { code: "store_unavailable", cause };
  await expect(store.get(1)).rejects.toMatchObject(unavailable);
  await expect(store.create(DUNE)).rejects.toMatchObject(unavailable);
});
