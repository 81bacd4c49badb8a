import { existsSync } from "node:fs";
import type { DatabaseCommandConfig, DatabaseConfig } from "../config/config.ts";
import {
  type Migration,
  pendingMigrations,
  type Schema,
  UnusableDatabaseError,
} from "../database/migrations/migration.ts";
import { translatePostgresError } from "../database/postgres/errors.ts";
import type { PostgresPlace } from "../database/postgres/url.ts";
import {
  migrateSqlite,
  optimizeSqlite,
  readSqliteSchema,
  type SqliteConnection,
} from "../database/sqlite.ts";
import type { Resource } from "../resources/resource.ts";
import { openSqliteFile, unusable } from "../server/database/sqlite-file.ts";
import { CommandError, EXIT } from "../server/failure.ts";
import { MIGRATIONS, type TransferDatabase, type TransferOptions } from "./copy.ts";
import { createSqliteTransfer } from "./sqlite.ts";

/** An open database to copy from or to. */
export type OpenTransfer = TransferDatabase & {
  /** The connection, where the database is a SQLite file. */
  sqlite?: SqliteConnection;
  close: () => Promise<void>;
};

type OpenOptions = TransferOptions & {
  /** A database that is read has to exist; one that is written is made if missing. */
  access: "read" | "write";
};

/**
 * Opens the database that the configuration names, to copy from it or to it. To be written, its schema is
 * brought up to date.
 *
 * @throws {UnusableDatabaseError}, {NewerSchemaError}, {CommandError} for entries in memory, or a
 * `DomainError` where the server cannot be reached.
 */
export async function openTransfer(
  { database }: DatabaseCommandConfig,
  options: OpenOptions,
): Promise<OpenTransfer> {
  requirePersistent(database);
  if (database.kind === "sqlite") return openSqlite(database.path, options);
  return openPostgres(database, options);
}

/** The entries of a resource in the database that the configuration names. */
export type ResourceSource = Pick<TransferOptions, "clock" | "migrations"> & {
  resource: Resource;
  config: DatabaseCommandConfig;
};

/** Opens the database of one resource, as {@link openTransfer}. */
export function openResource(
  { resource, config, ...options }: ResourceSource,
  access: OpenOptions["access"],
): Promise<OpenTransfer> {
  return openTransfer(config, { ...options, resources: [resource], access });
}

type PersistentDatabase = Exclude<DatabaseConfig, { kind: "memory" }>;

/** @throws {CommandError} for entries that last only as long as a process. */
export function requirePersistent(
  database: DatabaseConfig,
): asserts database is PersistentDatabase {
  if (database.kind !== "memory") return;
  throw new CommandError(
    EXIT.config,
    "DATABASE_URL is memory:, which only the service itself can read; set it to sqlite:PATH or " +
      "postgres://USER@HOST:PORT/NAME",
  );
}

async function openSqlite(
  path: string,
  { access, ...options }: OpenOptions,
): Promise<OpenTransfer> {
  if (access === "read" && !existsSync(path)) {
    throw new UnusableDatabaseError(`There is no database ${path}.`);
  }
  const { sqlite: migrations } = options.migrations ?? MIGRATIONS;
  const connection = openSqliteFile(path, access);
  try {
    if (access === "write") migrateSqlite(connection, migrations);
    else requireSchema(migrations, readSqliteSchema(connection));
  } catch (error) {
    connection.close();
    throw unusable(path, error);
  }
  return {
    ...createSqliteTransfer(connection, options),
    sqlite: connection,
    async close() {
      if (access === "write") optimize(connection);
      connection.close();
    },
  };
}

/** After many new entries, queries would be planned by what was there before. */
function optimize(connection: SqliteConnection): void {
  try {
    optimizeSqlite(connection);
  } catch {
    // The service does it from time to time.
  }
}

async function openPostgres(
  place: PostgresPlace,
  { access, ...options }: OpenOptions,
): Promise<OpenTransfer> {
  const { connectForTransfer } = await import("./postgres.ts");
  const { migrate, schema, transfer, close } = await connectForTransfer(place, options);
  try {
    if (access === "write") await migrate();
    else requireSchema((options.migrations ?? MIGRATIONS).postgres, await schema());
  } catch (error) {
    await close();
    throw translatePostgresError(error);
  }
  return { ...transfer, close };
}

function requireSchema(migrations: readonly Migration[], schema: Schema): void {
  if (schema.version === 0) {
    throw new UnusableDatabaseError("The database is empty: it has none of this service's tables.");
  }
  // Throws if it is of a newer release, and does not work with this one.
  pendingMigrations(migrations, schema);
}
