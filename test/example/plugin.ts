import { dirname, join } from "node:path";
import type { BunPlugin } from "bun";

const SRC = join(import.meta.dir, "../../src");
const EXAMPLE = import.meta.dir;

/** What says what a service stores, and what says so here. */
const REPLACED: Readonly<Record<string, string>> = {
  [join(SRC, "service.ts")]: join(EXAMPLE, "service.ts"),
  [join(SRC, "database/migrations/sqlite.ts")]: join(EXAMPLE, "migrations/sqlite.ts"),
  [join(SRC, "database/migrations/postgres.ts")]: join(EXAMPLE, "migrations/postgres.ts"),
};

/**
 * Puts the service of the tests in the place of the service: everything in src then offers the books, with
 * their schema, and nothing else. So the tests of the engine have an example to speak of, and none of them
 * fails because a resource was added or removed. What the service itself offers is tested in test/resources.
 */
export const example: BunPlugin = {
  name: "example",
  setup(builder) {
    builder.onResolve({ filter: /^\..*\/(service|sqlite|postgres)\.ts$/ }, ({ path, importer }) => {
      if (!importer.startsWith(`${SRC}/`)) return undefined;
      const replacement = REPLACED[join(dirname(importer), path)];
      return replacement === undefined ? undefined : { path: replacement };
    });
  },
};
