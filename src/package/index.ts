// What the package `thimble` offers other projects: the whole service, its route groups, and what both
// are made of. Databases that need a runtime's own API are entries of their own: `thimble/sqlite` and
// `thimble/postgres`.
export { type AppConfig, type AppDeps, type AppType, createApp } from "../app.ts";
export type { Key, Scope } from "../auth/key.ts";
export { parseKeyFile } from "../auth/key-file.ts";
export { createKeyRing, type KeyRing, type KeySource } from "../auth/key-ring.ts";
export { books } from "../books.ts";
export {
  type Config,
  ConfigError,
  type DatabaseConfig,
  type Environment,
  parseConfig,
  type ReadFile,
} from "../config/config.ts";
export type { Database } from "../database/database.ts";
export { createMemoryDatabase, type MemoryDatabase } from "../database/memory.ts";
export type { Migration, SchemaState } from "../database/migrations/migration.ts";
export { postgresMigrations } from "../database/migrations/postgres.ts";
export { sqliteMigrations } from "../database/migrations/sqlite.ts";
export type { PostgresDatabase, PostgresRow, PostgresValue, Query } from "../database/postgres.ts";
export type {
  SqliteConnection,
  SqliteRow,
  SqliteStatement,
  SqliteValue,
} from "../database/sqlite.ts";
export { createSqliteDatabase, type SqliteDatabase } from "../database/sqlite-database.ts";
export { DomainError, type ErrorCode, type Issue } from "../errors.ts";
export type { Problem } from "../http/describe.ts";
export type { Rate } from "../http/fixed-windows.ts";
export type { Readiness } from "../probes/health.ts";
export {
  boolean,
  choice,
  type Field,
  instant,
  integer,
  number,
  text,
  type Value,
  type Values,
} from "../resources/field.ts";
export { postgresMigration, sqliteMigration } from "../resources/migration.ts";
export {
  type ChangesOf,
  defineResource,
  type Entry,
  type EntryOf,
  type InputOf,
  type Resource,
} from "../resources/resource.ts";
export type {
  Creation,
  ListQuery,
  Position,
  Precondition,
  Sort,
  Store,
} from "../resources/store.ts";
export { createStore, type StoreOf } from "../resources/stores/create-store.ts";
export { RESOURCES, SCOPES } from "../service.ts";
export {
  createLogger,
  type LogFields,
  type LogFormat,
  type Logger,
  type LogLevel,
} from "../telemetry/logger.ts";
export type { Clock } from "../time.ts";
export {
  type HealthRoutesOptions,
  healthRoutes,
  type ProcessRoutesOptions,
  processRoutes,
  type ResourceRoutesOptions,
  requireApiKey,
  requireScope,
  resourceRoutes,
} from "./route-groups.ts";
