import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Migration } from "../../database/migrations/migration.ts";
import { sqliteMigrations } from "../../database/migrations/sqlite.ts";
import { migrateSqlite } from "../../database/sqlite.ts";
import { createSqliteDatabase, type SqliteDatabase } from "../../database/sqlite-database.ts";
import { rememberFiles } from "./same-files.ts";
import { openSqliteFile, unusable } from "./sqlite-file.ts";
import { createSqliteReader } from "./sqlite-reader.ts";
import { createThreadWriter } from "./sqlite-writer.ts";

/** With less, a write fails, or one of the next will. */
const MIN_FREE_BYTES = 1024 * 1024;
/** Where the system does not say how much there is, the next write will. */
const UNKNOWN_SPACE = { bavail: Number.POSITIVE_INFINITY, bsize: 1 };

/**
 * A database in a SQLite file, which is made if it is missing, together with its directory. A write that
 * is acknowledged survives a crash and the loss of power.
 *
 * Call `migrate` before anything else.
 *
 * @throws {UnusableDatabaseError} that says what is wrong with the file or its directory.
 */
export function openSqliteDatabase(
  path: string,
  { migrations = sqliteMigrations }: { migrations?: readonly Migration[] } = {},
): SqliteDatabase {
  const connection = openSqliteFile(path, "serve");
  const migrate = () => {
    try {
      const applied = migrateSqlite(connection, migrations);
      // While it serves, the store itself waits for locks, and nothing else waits with it.
      connection.exec("PRAGMA busy_timeout = 0");
      return applied;
    } catch (error) {
      throw unusable(path, error);
    }
  };
  const requireSameFiles = rememberFiles(path);
  return createSqliteDatabase(connection, {
    migrations,
    migrate,
    requireSameFiles,
    hasSpace: () => hasSpaceAt(dirname(path)),
    reader: createSqliteReader(path),
    writer: createThreadWriter(path, requireSameFiles),
  });
}

async function hasSpaceAt(directory: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(directory).catch(() => UNKNOWN_SPACE);
  return bavail * bsize >= MIN_FREE_BYTES;
}
