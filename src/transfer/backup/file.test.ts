import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inTemporaryDirectory } from "../../../test/service.ts";
import { books } from "../../books.ts";
import type { SqliteConnection } from "../../database/sqlite.ts";
import { openSqliteFile } from "../../server/database/sqlite-file.ts";
import { createBackup, inspectBackup, vacuumInto } from "./file.ts";

const SERVICE = { resources: [books], clock: Date.now };

test("a file that cannot be made is said, in whatever way it would come to be", async () => {
  await inTemporaryDirectory(async (directory) => {
    const part = join(directory, "missing", "part");
    const says = `cannot write ${part}: it, or its directory, is not writable`;
    const database = openSqliteFile(join(directory, "books.db"), "write");
    expect(() => vacuumInto(database, part)).toThrow(says);
    database.close();
    await expect(createBackup(part, SERVICE, async () => {})).rejects.toThrow(says);
    await expect(inspectBackup(part, SERVICE)).rejects.toThrow(says);
  });
});

test("what is not SQLite's fault is thrown on", async () => {
  await inTemporaryDirectory(async (directory) => {
    const fill = () => Promise.reject(new TypeError("a defect"));
    const created = createBackup(join(directory, "part"), SERVICE, fill);
    await expect(created).rejects.toThrow(new TypeError("a defect"));
  });
});

test("what has come out as no database is said", async () => {
  await inTemporaryDirectory(async (directory) => {
    const part = join(directory, "part");
    writeFileSync(part, "no database ".repeat(1000));
    await expect(inspectBackup(part, SERVICE)).rejects.toThrow(
      "The database cannot be used right now.",
    );
  });
});

test("where nothing may be attached, as on Deno, nothing is done", () => {
  const refusing: SqliteConnection = {
    exec: () => {},
    prepare: () => {
      throw new Error("too many attached databases - max 0");
    },
    close: () => {},
  };
  expect(vacuumInto(refusing, "part")).toBe(false);
});
