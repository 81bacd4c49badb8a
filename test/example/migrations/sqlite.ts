import type { Migration } from "../../../src/database/migrations/migration.ts";
import * as own from "../../../src/database/migrations/sqlite.ts";

/** Those that the books need, and not those of resources that came later. */
export const sqliteMigrations: readonly Migration[] = own.sqliteMigrations.slice(0, 5);
