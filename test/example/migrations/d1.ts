import { join } from "node:path";

/** Where the files of SQLite's migrations are, which D1 applies itself. */
export const D1_MIGRATIONS = join(import.meta.dir, "../../../src/database/migrations/sqlite");
