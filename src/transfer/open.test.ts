import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { RESOURCES } from "../../test/example/service.ts";
import { inTemporaryDirectory } from "../../test/service.ts";
import { migrateSqlite } from "../database/sqlite.ts";
import { openSqliteFile } from "../server/database/sqlite-file.ts";
import { openTransfer } from "./open.ts";

test("a database of a newer release is neither read nor written, and not held open", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "newer.db");
    const file = openSqliteFile(path, "serve");
    migrateSqlite(file);
    file.exec("PRAGMA user_version = 99");
    file.close();
    const config = { database: { kind: "sqlite", path } } as Parameters<typeof openTransfer>[0];
    for (const access of ["read", "write"] as const) {
      const opened = openTransfer(config, { resources: RESOURCES, clock: Date.now, access });
      await expect(opened).rejects.toThrow(`${path}: The database has schema version 99`);
    }
    // A process that holds it open has these two next to it.
    for (const suffix of ["-wal", "-shm"]) expect(() => rmSync(path + suffix)).toThrow("ENOENT");
  });
});
