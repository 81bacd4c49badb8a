// What the package `thimble` offers other projects: the whole service, its route groups, and what both
// are made of. Stores that need a runtime's own API are entries of their own: `thimble/sqlite` and
// `thimble/postgres`.
export { type AppConfig, type AppDeps, type AppType, createApp } from "./app.ts";
export type { Book, BookChanges, BookInput } from "./books/book.ts";
export { createMemoryBookStore } from "./books/memory-store.ts";
export { createSqliteBookStore, prepareSqliteBooks } from "./books/sqlite-store.ts";
export type {
  BookQuery,
  BookStore,
  Creation,
  Position,
  Precondition,
  Sort,
  SortField,
} from "./books/store.ts";
export type { Clock } from "./clock.ts";
export {
  type Config,
  ConfigError,
  type DatabaseConfig,
  type Environment,
  parseConfig,
  type ReadFile,
} from "./config.ts";
export type {
  SqliteDatabase,
  SqliteRow,
  SqliteStatement,
  SqliteValue,
} from "./database/sqlite.ts";
export type { Problem } from "./docs/describe.ts";
export { DomainError, type ErrorCode, type Issue } from "./errors.ts";
export type { Readiness } from "./health/routes.ts";
export { type Key, SCOPES, type Scope } from "./keys/key.ts";
export { parseKeyFile } from "./keys/key-file.ts";
export { createKeyRing, type KeyRing, type KeySource } from "./keys/key-ring.ts";
export {
  createLogger,
  type LogFields,
  type LogFormat,
  type Logger,
  type LogLevel,
} from "./logger.ts";
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
export type { Rate } from "./variables.ts";
