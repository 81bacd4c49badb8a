import type { Migration } from "./migration.ts";
import books from "./sqlite/0001-books.sql" with { type: "text" };
import imports from "./sqlite/0002-imports.sql" with { type: "text" };
import resources from "./sqlite/0003-resources.sql" with { type: "text" };
import searchWords from "./sqlite/0004-search-words.sql" with { type: "text" };
import limitCounts from "./sqlite/0005-limit-counts.sql" with { type: "text" };

export const sqliteMigrations: readonly Migration[] = [
  { version: 1, name: "books", compatibleFrom: 1, sql: books },
  { version: 2, name: "imports", compatibleFrom: 1, sql: imports },
  { version: 3, name: "resources", compatibleFrom: 3, sql: resources },
  // Nobody would write the words again that an older release adds.
  { version: 4, name: "search-words", compatibleFrom: 4, sql: searchWords },
  { version: 5, name: "limit-counts", compatibleFrom: 4, sql: limitCounts },
];
