import { existsSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Migration } from "../../src/database/migrations/migration.ts";
import { sqliteMigrations } from "../../src/database/migrations/sqlite.ts";
import { quoted } from "../../src/database/sql.ts";
import { postgresMigration, sqliteMigration } from "../../src/resources/migration.ts";
import { type Resource, wordsTable } from "../../src/resources/resource.ts";
import { outputOf } from "../shell/commands.ts";
import { type Change, fromRoot, ROOT } from "./changes.ts";

const MIGRATIONS = "src/database/migrations";

/** The tables of the service itself that have rows of a resource. */
const RECORDS = ["idempotency_keys", "imports", "search_words"];

/** Each database, with the SQL that makes and that drops what a resource needs. */
const DATABASES = [
  {
    kind: "sqlite",
    make: sqliteMigration,
    drop: (resource: Resource) =>
      dropping(
        resource,
        resource.search.length > 0 ? [resource.name, wordsTable(resource)] : [resource.name],
      ),
  },
  {
    kind: "postgres",
    make: postgresMigration,
    drop: (resource: Resource) => dropping(resource, [resource.name]),
  },
] as const;

function dropping({ name }: Resource, tables: readonly string[]): string {
  const lines = [
    ...tables.map((table) => `DROP TABLE ${quoted(table)};`),
    ...RECORDS.map((table) => `DELETE FROM ${table} WHERE resource = '${name}';`),
  ];
  return `${lines.join("\n")}\n`;
}

/** Whether the migrations make a table of this name. */
export function hasTable(name: string, migrations: readonly Migration[]): boolean {
  const database = new DatabaseSync(":memory:");
  try {
    for (const { sql } of migrations) database.exec(sql);
    const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name);
    return table !== undefined;
  } finally {
    database.close();
  }
}

type Entry = { kind: string; version: number; name: string; compatibleFrom: number };

/** A list of migrations, as source text, with one more at its end; the formatter puts it into its form. */
export function withMigration(
  source: string,
  { kind, version, name, compatibleFrom }: Entry,
): string {
  const camelCase = name.replaceAll(/[_-]([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const isTaken = new RegExp(`^import ${camelCase} `, "m").test(source);
  const variable = isTaken ? `${camelCase}${version}` : camelCase;
  const path = `./${kind}/${fileName(version, name)}`;
  return replaced(kind, source, [
    [/\n\n/, `\nimport ${variable} from "${path}" with { type: "text" };\n\n`],
    [
      /,?\s*\];/,
      `,\n  { version: ${version}, name: "${name}", compatibleFrom: ${compatibleFrom}, sql: ${variable} },\n];`,
    ],
  ]);
}

/** A list of migrations, as source text, without its last one. */
export function withoutMigration(
  source: string,
  { kind, version, name }: Omit<Entry, "compatibleFrom">,
): string {
  const file = fileName(version, name).replace(".", "\\.");
  return replaced(kind, source, [
    [new RegExp(`\nimport \\w+ from "\\./${kind}/${file}" .+`), ""],
    [new RegExp(`\\s*\\{\\s*version: ${version},[^}]*\\},?(?=\\s*\\];)`), ""],
  ]);
}

function replaced(kind: string, source: string, changes: readonly [RegExp, string][]): string {
  return changes.reduce((text, [pattern, replacement]) => {
    if (pattern.test(text)) return text.replace(pattern, () => replacement);
    throw new Error(
      `cannot change the list of migrations for ${kind}, which looks different than expected`,
    );
  }, source);
}

function fileName(version: number, name: string): string {
  return `${String(version).padStart(4, "0")}-${name.replaceAll("_", "-")}.sql`;
}

const listOf = (kind: string) => `${MIGRATIONS}/${kind}.ts`;

type Added = {
  name: string;
  /** The oldest version whose release still works after it. */
  compatibleFrom: number;
  sqlOf: (database: (typeof DATABASES)[number]) => string;
};

const nextVersion = () => sqliteMigrations.length + 1;

function added({ name, compatibleFrom, sqlOf }: Added): Change[] {
  const version = nextVersion();
  return DATABASES.flatMap((database) => {
    const { kind } = database;
    const file = `${MIGRATIONS}/${kind}/${fileName(version, name)}`;
    if (existsSync(fromRoot(file))) throw new Error(`${file} is there already; remove it first`);
    const list = readFileSync(fromRoot(listOf(kind)), "utf8");
    return [
      { path: file, content: sqlOf(database) },
      { path: listOf(kind), content: withMigration(list, { kind, version, name, compatibleFrom }) },
    ];
  });
}

/**
 * The first migration of a resource, for both databases.
 *
 * @throws {Error} where it has a table already.
 */
export function makeTable(resource: Resource): Change[] {
  if (hasTable(resource.name, sqliteMigrations)) {
    throw new Error(
      `${resource.name} has a table already; a change of its definition needs a migration that you write`,
    );
  }
  return added({
    name: resource.name,
    // A table more is nothing to earlier releases.
    compatibleFrom: sqliteMigrations.at(-1)?.compatibleFrom ?? 1,
    sqlOf: ({ make }) => make(resource),
  });
}

/**
 * What removes the table of a resource. Where its first migration is the last of all, and git has never seen
 * it, nobody's database has the table: then that migration goes. Else a further one drops the table.
 */
export async function removeTable(resource: Resource): Promise<Change[]> {
  const last = sqliteMigrations.at(-1);
  if (!last) return [];
  const { version, name } = last;
  const files = DATABASES.map(({ kind }) => `${MIGRATIONS}/${kind}/${fileName(version, name)}`);
  const isKept =
    name !== resource.name || (await outputOf("git", "-C", ROOT, "ls-files", ...files)) !== "";
  if (isKept) {
    return added({
      name: `drop-${resource.name}`,
      // Every earlier release needs the table.
      compatibleFrom: nextVersion(),
      sqlOf: ({ drop }) => drop(resource),
    });
  }
  return DATABASES.flatMap(({ kind }, index) => {
    const list = readFileSync(fromRoot(listOf(kind)), "utf8");
    return [
      { path: files[index] ?? "" },
      { path: listOf(kind), content: withoutMigration(list, { kind, version, name }) },
    ];
  });
}
