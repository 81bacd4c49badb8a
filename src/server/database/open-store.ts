import { type Config, ConfigError, type DatabaseConfig } from "../../config/config.ts";
import { DomainError } from "../../errors.ts";
import { type BookInput, SEED_BOOKS } from "../../resources/book.ts";
import type { BookStore } from "../../resources/store.ts";
import { createMemoryBookStore } from "../../resources/stores/memory.ts";
import { createSqliteBookStore } from "../../resources/stores/sqlite.ts";
import { describeError, type Logger } from "../../telemetry/logger.ts";
import type { TraceScope } from "../../telemetry/tracing.ts";
import { traceparentOf } from "../../telemetry/tracing.ts";
import type { Clock } from "../../time.ts";
import type { PostgresBooksOptions } from "./postgres-books.ts";
import { openSqliteFile, prepareSqliteFile } from "./sqlite-file.ts";

export type OpenStore = {
  store: BookStore;
  /** Brings the schema up to date, and says how many migrations that took. */
  prepare: () => Promise<number>;
  /** Connects anew for whatever comes next, where connections may be lost without a sign. */
  renew?: () => void;
  /**
   * Checks whether the store can go on as it is configured now, and returns what makes it do so.
   *
   * @throws {ConfigError} where that takes a restart.
   */
  reconfigure: (database: DatabaseConfig) => () => void;
  /** How busy the pool is, where there is one. */
  poolUse?: () => PoolUse;
};

/** How many of a pool's connections are in use, and how many operations wait for one. */
export type PoolUse = { size: number; inUse: number; waiting: number };

type StoreConfig = Pick<Config, "database" | "databasePoolSize" | "seedBooks">;

/**
 * Opens the store that the configuration names.
 *
 * @param scope tells which trace an operation belongs to, for databases that say what they work on.
 * @throws {UnusableDatabaseError}
 */
export async function openStore(
  config: StoreConfig,
  clock: Clock,
  scope?: TraceScope,
): Promise<OpenStore> {
  const { database } = config;
  const seed = config.seedBooks ? SEED_BOOKS : [];
  if (database.kind === "memory") {
    const store = createMemoryBookStore(clock, seed);
    return { store, prepare: async () => 0, reconfigure: unchanged(database) };
  }
  if (database.kind === "sqlite") {
    return { ...openSqlite(database.path, clock, seed), reconfigure: unchanged(database) };
  }
  const { databasePoolSize: poolSize } = config;
  return openPostgres(database.url, { poolSize, clock, seed, traceparent: traceparentOf(scope) });
}

/** Books that are suddenly in another place than a moment ago would be worse than an error. */
function unchanged(database: DatabaseConfig): OpenStore["reconfigure"] {
  return (next) => {
    if (JSON.stringify(next) !== JSON.stringify(database)) throw takesRestart();
    return () => {};
  };
}

function takesRestart(): ConfigError {
  return new ConfigError([
    "DATABASE_URL names another kind of database, or another file; to take it over takes a restart",
  ]);
}

function openSqlite(path: string, clock: Clock, seed: readonly BookInput[]) {
  const file = openSqliteFile(path);
  return {
    store: createSqliteBookStore(file, clock),
    prepare: async () => prepareSqliteFile(file, path, clock, seed),
  };
}

/** The driver is loaded here, for a service on SQLite starts sooner without it. */
async function openPostgres(
  firstUrl: string,
  options: PostgresBooksOptions & { poolSize: number },
): Promise<OpenStore> {
  const { openPostgresBooks } = await import("./postgres-books.ts");
  let url = firstUrl;
  const store = openPostgresBooks(() => url, options);
  const moveTo = (next: string) => {
    const isSame = withoutPassword(url) === withoutPassword(next);
    url = next;
    if (!isSame) store.reconnect();
  };
  return {
    store,
    prepare: () => store.prepare(),
    renew: store.renew,
    reconfigure: (database) => {
      if (database.kind !== "postgres") throw takesRestart();
      return () => moveTo(database.url);
    },
    poolUse: () => poolUseOf(store.running(), options.poolSize),
  };
}

/** An operation has one connection from its beginning to its end. */
function poolUseOf(running: number, size: number): PoolUse {
  const inUse = Math.min(running, size);
  return { size, inUse, waiting: running - inUse };
}

/** What connections that there are go by; a password is asked for by new ones only, if there is one. */
function withoutPassword(url: string): string {
  const parsed = new URL(url);
  if (parsed.password) parsed.password = "-";
  return parsed.href;
}

/** After how long the log says what the start waits for. */
const SILENT_WAIT_MS = 1000;

/**
 * Brings the store's schema up to date. A database that cannot be reached yet keeps nobody from starting:
 * the store tries again by itself.
 *
 * @returns the signal that came before that was done, if one did; then the store is to be closed.
 */
export async function prepareStore(
  { prepare }: OpenStore,
  logger: Logger,
  untilSignal?: Promise<string>,
): Promise<string | undefined> {
  const sayWhatFor = () =>
    logger.info("waiting for the database, or for another's migration of it");
  const timer = setTimeout(sayWhatFor, SILENT_WAIT_MS);
  try {
    const prepared = prepare();
    const first = await (untilSignal ? Promise.race([prepared, untilSignal]) : prepared);
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
