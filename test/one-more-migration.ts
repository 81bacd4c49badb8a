import type { BunPlugin } from "bun";
import { postgresMigrations } from "../src/database/migrations/postgres.ts";

const version = postgresMigrations.length + 1;

/** Gives the service that is built one more migration of PostgreSQL, with which this release works too. */
export const oneMoreMigration: BunPlugin = {
  name: "one more migration",
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/database\/migrations\/postgres\.ts$/ }, async ({ path }) => {
      const text = await Bun.file(path).text();
      const sql = "CREATE TABLE next_release (id integer)";
      const compatibleFrom = version - 1;
      const migration = JSON.stringify({ version, name: "next-release", compatibleFrom, sql });
      return { contents: text.replace(/\];\s*$/, `${migration}];`), loader: "ts" };
    });
  },
};
