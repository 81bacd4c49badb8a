import { type Config, ConfigError, type DatabaseConfig } from "../../config/config.ts";
import type { Database } from "../../database/database.ts";
import { createMemoryDatabase } from "../../database/memory.ts";
import { isNewer, NEWER_SCHEMA } from "../../database/migrations/migration.ts";
import { postgresTarget } from "../../database/postgres/url.ts";
import { DomainError } from "../../errors.ts";
import type { Resource } from "../../resources/resource.ts";
import { createStore } from "../../resources/stores/create-store.ts";
import { describeError, type Logger } from "../../telemetry/logger.ts";
import { type TraceScope, traceparentOf } from "../../telemetry/tracing.ts";
import { openSqliteDatabase } from "./sqlite.ts";

export type OpenedDatabase = {
  database: Database;
  /**
   * Checks whether the database can be used as it is configured now, and returns what makes it so.
   *
   * @throws {ConfigError} where that requires a restart.
   */
  reconfigure: (next: DatabaseConfig) => () => void;
};

/**
 * Opens the database that the configuration names.
 *
 * @param scope knows which trace an operation belongs to, for databases that show what they work on.
 * @throws {UnusableDatabaseError}
 */
export async function openDatabase(
  { database: config, databasePoolSize }: Pick<Config, "database" | "databasePoolSize">,
  scope?: TraceScope,
): Promise<OpenedDatabase> {
  if (config.kind === "postgres") return openPostgres(config, databasePoolSize, scope);
  const database =
    config.kind === "memory" ? createMemoryDatabase() : openSqliteDatabase(config.path);
  return { database, reconfigure: unchanged(config) };
}

/** Entries that are suddenly in another place than a moment ago would be worse than an error. */
function unchanged(config: DatabaseConfig): OpenedDatabase["reconfigure"] {
  return (next) => {
    if (JSON.stringify(next) !== JSON.stringify(config)) throw restartRequired();
    return () => {};
  };
}

function restartRequired(): ConfigError {
  return new ConfigError([
    "DATABASE_URL names another kind of database, or another file; that requires a restart",
  ]);
}

type PostgresConfig = Extract<DatabaseConfig, { kind: "postgres" }>;

/** The driver is loaded here, because a service on SQLite starts sooner without it. */
async function openPostgres(
  first: PostgresConfig,
  poolSize: number,
  scope: TraceScope | undefined,
): Promise<OpenedDatabase> {
  const { openPostgresDatabase } = await import("./postgres.ts");
  let place = first;
  const traceparent = traceparentOf(scope);
  const database = openPostgresDatabase(() => place, { poolSize, traceparent });
  const moveTo = (next: PostgresConfig) => {
    const isSame = withoutPassword(place) === withoutPassword(next);
    place = next;
    if (!isSame) database.reconnect();
  };
  return {
    database,
    reconfigure: (next) => {
      if (next.kind !== "postgres") throw restartRequired();
      return () => moveTo(next);
    },
  };
}

/** What existing connections depend on; only new ones ask for a password. */
function withoutPassword({ url, ca }: PostgresConfig): string {
  return JSON.stringify([{ ...postgresTarget(url), password: undefined }, ca]);
}

/** After how long the log says what the start waits for. */
const SILENT_WAIT_MS = 1000;

type MigrateOptions = {
  logger: Logger;
  /** Those that get their sample entries, if they never had any. */
  withSamples: readonly Resource[];
  untilSignal?: Promise<string>;
};

/**
 * Brings the schema up to date, or says that it is newer. A service starts even if its database cannot be reached yet: the database
 * tries again by itself, but there are no sample entries then.
 *
 * @returns the signal that came before that was done, if one did; then the database is to be closed.
 */
export async function migrateDatabase(
  database: Database,
  { logger, withSamples, untilSignal }: MigrateOptions,
): Promise<string | undefined> {
  const logWait = () => logger.info("waiting for the database, or for another's migration of it");
  const timer = setTimeout(logWait, SILENT_WAIT_MS);
  try {
    const migrated = migrateWithSamples(database, { withSamples, logger });
    const first = await (untilSignal ? Promise.race([migrated, untilSignal]) : migrated);
    if (typeof first === "string") return first;
    if (first > 0) logger.info("database migrated", { migrations: first });
  } catch (error) {
    const unreachable = error instanceof DomainError && error.code === "store_unavailable";
    if (!unreachable) throw error;
    logger.warning(
      "database unreachable; serving without it until it answers",
      describeError(error),
    );
  } finally {
    clearTimeout(timer);
  }
  return undefined;
}

/** A newer schema gets nothing, because its release knows better what belongs into it. */
async function migrateWithSamples(
  database: Database,
  { withSamples, logger }: MigrateOptions,
): Promise<number> {
  const applied = await database.migrate();
  const schema = await database.schema?.();
  if (schema && isNewer(schema)) {
    logger.warning(NEWER_SCHEMA, {
      schema_version: schema.version,
      known_version: schema.known,
      compatible_from: schema.compatibleFrom,
    });
    return applied;
  }
  for (const resource of withSamples) {
    const store = createStore(database, resource);
    await store.addSamples(resource.samples);
  }
  return applied;
}
