import type { Migration } from "../../../src/database/migrations/migration.ts";
import * as own from "../../../src/database/migrations/postgres.ts";

/** Those that the books need, and not those of resources that came later. */
export const postgresMigrations: readonly Migration[] = own.postgresMigrations.slice(0, 5);
