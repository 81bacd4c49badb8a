import { type BookInput, SEED_BOOKS } from "../books/book.ts";
import { createMemoryBookStore } from "../books/memory-store.ts";
import { createPostgresBookStore } from "../books/postgres-store.ts";
import { createSqliteBookStore, prepareSqliteBooks } from "../books/sqlite-store.ts";
import type { BookStore } from "../books/store.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { STATEMENT_TIMEOUT_MS } from "../database/postgres-pool.ts";
import { DomainError } from "../errors.ts";
import { describeError, type Logger } from "../logger.ts";
import { openSqliteFile, unusable } from "./sqlite-file.ts";

const CONNECT_TIMEOUT_SECONDS = 3;
const RECONNECT_DELAY_SECONDS = 0.25;

export type OpenStore = {
  store: BookStore;
  /** Brings the schema up to date, and says how many migrations that took. */
  prepare: () => Promise<number>;
  /** Connects anew for whatever comes next, where connections may be lost without a sign. */
  renew: () => void;
};

type StoreConfig = Pick<Config, "database" | "databasePoolSize" | "seedBooks">;

/** Opens the store that the configuration names. @throws {UnusableDatabaseError} */
export async function openStore(config: StoreConfig, clock: Clock): Promise<OpenStore> {
  const { database } = config;
  const seed = config.seedBooks ? SEED_BOOKS : [];
  if (database.kind === "memory") {
    const store = createMemoryBookStore(clock, seed);
    return { store, prepare: async () => 0, renew: () => {} };
  }
  if (database.kind === "sqlite") return openSqlite(database.path, clock, seed);
  return openPostgres(database.url, config.databasePoolSize, clock, seed);
}

function openSqlite(path: string, clock: Clock, seed: readonly BookInput[]): OpenStore {
  const file = openSqliteFile(path);
  return {
    store: createSqliteBookStore(file, clock),
    prepare: async () => {
      try {
        const applied = prepareSqliteBooks(file, clock, seed);
        // While it serves, the store itself waits for locks, and nothing else waits with it.
        file.exec("PRAGMA busy_timeout = 0");
        return applied;
      } catch (error) {
        throw unusable(path, error);
      }
    },
    renew: () => {},
  };
}

/**
 * A pool that connects when it is first used, and again by itself when a connection is lost. The
 * driver is loaded here, for a service on SQLite starts sooner without it.
 */
async function openPostgres(
  url: string,
  poolSize: number,
  clock: Clock,
  seed: readonly BookInput[],
): Promise<OpenStore> {
  const { default: postgres } = await import("postgres");
  const connect = () =>
    postgres(url, {
      max: poolSize,
      connect_timeout: CONNECT_TIMEOUT_SECONDS,
      backoff: () => RECONNECT_DELAY_SECONDS,
      connection: { application_name: "thimble", statement_timeout: STATEMENT_TIMEOUT_MS },
      onnotice: () => {},
    });
  const store = createPostgresBookStore({ connect, clock, seed });
  return { store, prepare: () => store.prepare(), renew: () => store.renew() };
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
