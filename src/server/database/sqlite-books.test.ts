import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { inTemporaryDirectory } from "../../../test/service.ts";
import { NewerSchemaError } from "../../database/migrations/migration.ts";
import { openSqliteBooks } from "./sqlite-books.ts";
import { openSqliteFile } from "./sqlite-file.ts";

const EMMA = { title: "Emma", author: "Jane Austen", year: 1815 };

test("a store in a new file has the seed, and keeps what is added", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "new", "books.db");
    const first = openSqliteBooks(path, { seed: [EMMA] });
    const { book } = await first.create({ ...EMMA, title: "Persuasion" });
    await first.close();
    const second = openSqliteBooks(path, { seed: [EMMA] });
    expect(await second.get(1)).toMatchObject(EMMA);
    expect(await second.get(book.id)).toEqual(book);
    await second.close();
  });
});

test("a file of a newer release is refused, and not held open", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "books.db");
    await openSqliteBooks(path).close();
    const file = openSqliteFile(path);
    file.exec("PRAGMA user_version = 99");
    file.close();
    expect(() => openSqliteBooks(path)).toThrow(
      expect.objectContaining({ cause: expect.any(NewerSchemaError) }),
    );
    // Whoever holds it open has these two beside it.
    for (const suffix of ["-wal", "-shm"]) expect(() => rmSync(path + suffix)).toThrow("ENOENT");
  });
});
