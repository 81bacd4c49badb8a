import { type BookInput, SEED_BOOKS } from "../books/book.ts";
import { createMemoryBookStore } from "../books/memory-store.ts";
import { createSqliteBookStore } from "../books/sqlite-store.ts";
import type { BookStore } from "../books/store.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { DomainError } from "../errors.ts";
import { describeError, type Logger } from "../logger.ts";
import { traceparentOf } from "../trace/traceparent.ts";
import type { TraceScope } from "../trace/tracing.ts";
import type { PostgresBooksOptions } from "./postgres-books.ts";
import { openSqliteFile, prepareSqliteFile } from "./sqlite-file.ts";

export type OpenStore = {
  store: BookStore;
  /** Brings the schema up to date, and says how many migrations that took. */
  prepare: () => Promise<number>;
  /** Connects anew for whatever comes next, where connections may be lost without a sign. */
  renew?: () => void;
};

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
    return { store, prepare: async () => 0 };
  }
  if (database.kind === "sqlite") return openSqlite(database.path, clock, seed);
  const { databasePoolSize: poolSize } = config;
  return openPostgres(database.url, { poolSize, clock, seed, traceparent: traceparentOf(scope) });
}

function openSqlite(path: string, clock: Clock, seed: readonly BookInput[]): OpenStore {
  const file = openSqliteFile(path);
  return {
    store: createSqliteBookStore(file, clock),
    prepare: async () => prepareSqliteFile(file, path, clock, seed),
  };
}

/** The driver is loaded here, for a service on SQLite starts sooner without it. */
async function openPostgres(url: string, options: PostgresBooksOptions): Promise<OpenStore> {
  const { openPostgresBooks } = await import("./postgres-books.ts");
  const store = openPostgresBooks(url, options);
  return { store, prepare: () => store.prepare(), renew: store.renew };
}

/** A database that cannot be reached yet keeps nobody from starting: the store tries again by itself. */
export async function prepareStore({ prepare }: OpenStore, logger: Logger): Promise<void> {
  try {
    const applied = await prepare();
    if (applied > 0) logger.info("database migrated", { migrations: applied });
  } catch (error) {
    const unreachable = error instanceof DomainError && error.code === "store_unavailable";
    if (!unreachable) throw error;
    logger.warning(
      "database unreachable; serving without it until it answers",
      describeError(error),
    );
  }
}
