import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { postgresMigration, sqliteMigration } from "../../src/resources/migration.ts";
import type { Resource } from "../../src/resources/resource.ts";
import { type Change, fromRoot } from "../resource/changes.ts";

const MIGRATIONS = "src/database/migrations";
const EXAMPLE = "test/example";
/** Where the migrations of D1 are. */
const D1 = `${EXAMPLE}/migrations/d1.ts`;
const KINDS = [
  { kind: "sqlite", sqlOf: sqliteMigration },
  { kind: "postgres", sqlOf: postgresMigration },
] as const;

const read = (path: string) => readFileSync(fromRoot(path), "utf8");

/** The books and their schema become what the tests of the engine have as their example, and theirs alone. */
export function moveExample({ keepBooks }: { keepBooks: boolean }): Change[] {
  const books = "src/books.ts";
  const moved = { path: `${EXAMPLE}/books.ts`, content: movedText(books, `${EXAMPLE}/books.ts`) };
  return [
    ...(keepBooks ? [] : [{ path: books }, moved]),
    ...KINDS.flatMap(({ kind }) => moveMigrations(kind)),
    { path: D1, content: read(D1).replace(/"[^"]+(?="\);)/, '"sqlite') },
  ];
}

function moveMigrations(kind: string): Change[] {
  const list = `${MIGRATIONS}/${kind}.ts`;
  const to = `${EXAMPLE}/migrations/${kind}.ts`;
  const files = Array.from(read(list).matchAll(/"\.\/([^"]+\.sql)"/g), ([, file = ""]) => file);
  const text = movedText(list, to);
  return [
    ...files.flatMap((file) => [
      { path: `${MIGRATIONS}/${file}` },
      { path: `${EXAMPLE}/migrations/${file}`, content: read(`${MIGRATIONS}/${file}`) },
    ]),
    { path: to, content: text },
  ];
}

/** The text of a file with its imports as they read from another place. Those of SQL move with it. */
function movedText(from: string, to: string): string {
  return read(from).replaceAll(/(?<= from ")(\.[^"]+)(?=")/g, (path) =>
    path.endsWith(".sql") ? path : importOf(join(dirname(from), path), to),
  );
}

function importOf(target: string, importer: string): string {
  const path = relative(dirname(importer), target);
  return path.startsWith(".") ? path : `./${path}`;
}

/** A test that imports the books, from where they are now. */
export function withMovedImports(path: string, text: string): string {
  return text.replaceAll(/(?<= from ")(\.[^"]+)(?=")/g, (imported) =>
    join(dirname(path), imported) === "src/books.ts"
      ? importOf(`${EXAMPLE}/books.ts`, path)
      : imported,
  );
}

/** One first migration for each database: the tables of the engine, then those of the resources. */
export function firstMigrations(resources: readonly Resource[]): Change[] {
  return KINDS.flatMap(({ kind, sqlOf }) => [
    {
      path: `${MIGRATIONS}/${kind}/0001-first.sql`,
      content: [read(`scripts/new/engine/${kind}.sql`), ...resources.map(sqlOf)].join("\n"),
    },
    {
      path: `${MIGRATIONS}/${kind}.ts`,
      content: `import type { Migration } from "./migration.ts";
import first from "./${kind}/0001-first.sql" with { type: "text" };

export const ${kind}Migrations: readonly Migration[] = [
  { version: 1, name: "first", compatibleFrom: 1, sql: first },
];
`,
    },
  ]);
}
