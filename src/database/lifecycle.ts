import type { SchemaState } from "./migrations/migration.ts";

/** How many of a pool's connections are in use, and how many operations wait for one. */
export type PoolUse = { size: number; inUse: number; waiting: number };

/** What a database that answers can do: everything, or only reads. */
export type DatabaseState = "ok" | "disk_full" | "read_only";

/** What a service does with any database, whatever is stored in it. */
export interface DatabaseLifecycle {
  /**
   * Brings the schema up to date, and returns the number of migrations that took. A newer schema that works
   * with this release stays as it is.
   */
  migrate(): Promise<number>;
  /** Which schema there is, without a change to it; left out where the service migrates nothing. */
  schema?(): Promise<SchemaState>;
  /** Resolves when the database answers. */
  ping(): Promise<DatabaseState>;
  /** Connects again for what comes next, when connections may have been lost without a sign. */
  refresh?(): void;
  /** Keeps the statistics fresh that queries are planned by, where the database does not by itself. */
  optimize?(): Promise<void>;
  /** How busy the pool is, where there is one. */
  poolUse?(): PoolUse;
  close(): Promise<void>;
}
