// What the package `thimble` offers other projects: the whole service, its route groups, and what both
// are made of. Stores that need a runtime's own API are entries of their own: `thimble/sqlite` and
// `thimble/postgres`.
export { type AppConfig, type AppDeps, type AppType, createApp } from "../app.ts";
export { type Key, SCOPES, type Scope } from "../auth/key.ts";
export { parseKeyFile } from "../auth/key-file.ts";
export { createKeyRing, type KeyRing, type KeySource } from "../auth/key-ring.ts";
export {
  type Config,
  ConfigError,
  type DatabaseConfig,
  type Environment,
  parseConfig,
  type ReadFile,
} from "../config/config.ts";
export type {
  SqliteDatabase,
  SqliteRow,
  SqliteStatement,
  SqliteValue,
} from "../database/sqlite.ts";
export { DomainError, type ErrorCode, type Issue } from "../errors.ts";
export type { Problem } from "../http/describe.ts";
export type { Rate } from "../http/fixed-windows.ts";
export type { Readiness } from "../probes/health.ts";
export type { Book, BookChanges, BookInput } from "../resources/book.ts";
export type {
  BookQuery,
  BookStore,
  Creation,
  Position,
  Precondition,
  Sort,
  SortField,
} from "../resources/store.ts";
export { createMemoryBookStore } from "../resources/stores/memory.ts";
export { createSqliteBookStore, prepareSqliteBooks } from "../resources/stores/sqlite.ts";
export {
  createLogger,
  type LogFields,
  type LogFormat,
  type Logger,
  type LogLevel,
} from "../telemetry/logger.ts";
export type { Clock } from "../time.ts";
export {
  type BookRoutesOptions,
  bookRoutes,
  type HealthRoutesOptions,
  healthRoutes,
  type ProcessRoutesOptions,
  processRoutes,
  requireApiKey,
  requireScope,
} from "./route-groups.ts";
