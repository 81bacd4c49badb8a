import type { D1Database } from "./d1.ts";
import type { MemoryDatabase } from "./memory.ts";
import type { PostgresDatabase } from "./postgres.ts";
import type { SqliteDatabase } from "./sqlite-database.ts";

/** Where entries live. Stores are created on it, and so is what a route group of your own needs. */
export type Database = MemoryDatabase | SqliteDatabase | D1Database | PostgresDatabase;
