import { existsSync } from "node:fs";
import type { DatabaseConfig } from "../../config/config.ts";
import { NO_SCHEMA, type SchemaState } from "../../database/migrations/migration.ts";
import { sqliteMigrations } from "../../database/migrations/sqlite.ts";
import { readSqliteSchema } from "../../database/sqlite.ts";
import { openSqliteFile } from "./sqlite-file.ts";

/**
 * The schema of the database that the configuration names. Nothing is made or changed; entries in memory have
 * no schema.
 *
 * @throws {UnusableDatabaseError}, or a `DomainError` where the server cannot be reached.
 */
export async function readSchema(place: DatabaseConfig): Promise<SchemaState | undefined> {
  if (place.kind === "memory") return undefined;
  if (place.kind === "sqlite") return readFileSchema(place.path);
  const { openPostgresDatabase } = await import("./postgres.ts");
  const database = openPostgresDatabase(() => place, { poolSize: 1 });
  try {
    return await database.schema?.();
  } finally {
    await database.close();
  }
}

function readFileSchema(path: string): SchemaState {
  const known = sqliteMigrations.length;
  if (!existsSync(path)) return { ...NO_SCHEMA, known };
  const file = openSqliteFile(path, "inspect");
  try {
    return { ...readSqliteSchema(file), known };
  } finally {
    file.close();
  }
}
