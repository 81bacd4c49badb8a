// Writes the first migration of a resource, for both databases, and adds it to the lists of migrations:
//
//   bun run resource NAME     NAME is in RESOURCES of src/service.ts, and has no table yet
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Migration } from "../src/database/migrations/migration.ts";
import { sqliteMigrations } from "../src/database/migrations/sqlite.ts";
import { postgresMigration, sqliteMigration } from "../src/resources/migration.ts";
import type { Resource } from "../src/resources/resource.ts";
import { RESOURCES } from "../src/service.ts";
import { runMain, UsageError } from "./shell/main.ts";

const ROOT = join(import.meta.dir, "..");
const MIGRATIONS = join(ROOT, "src/database/migrations");

const KINDS = [
  { kind: "sqlite", sqlOf: sqliteMigration },
  { kind: "postgres", sqlOf: postgresMigration },
] as const;

/** @throws {UsageError} if there is no such resource. */
export function findResource(name: string, resources: readonly Resource[]): Resource {
  const resource = resources.find((each) => each.name === name);
  if (resource) return resource;
  const names = resources.map((each) => each.name).join(", ");
  throw new UsageError(
    `there is no resource ${name}, only ${names}; define it as in src/books.ts, and add it to RESOURCES in src/service.ts`,
  );
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

/** A list of migrations, as source text, with one more at its end. */
export function withMigration(
  source: string,
  { kind, version, name }: { kind: string; version: number; name: string },
): string {
  const camelCase = name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const isTaken = new RegExp(`^import ${camelCase} `, "m").test(source);
  const variable = isTaken ? `${camelCase}${version}` : camelCase;
  const path = `./${kind}/${fileName(version, name)}`;
  const added = source
    .replace(/\n\n/, `\nimport ${variable} from "${path}" with { type: "text" };\n\n`)
    .replace(/\n\];/, `\n  { version: ${version}, name: "${name}", sql: ${variable} },\n];`);
  if (added.split("\n").length !== source.split("\n").length + 2) {
    throw new Error(
      `cannot add a migration to the list for ${kind}, which looks different than expected`,
    );
  }
  return added;
}

function fileName(version: number, name: string): string {
  return `${String(version).padStart(4, "0")}-${name.replaceAll("_", "-")}.sql`;
}

function addMigrations(resource: Resource): string[] {
  const { name } = resource;
  if (hasTable(name, sqliteMigrations)) {
    throw new Error(
      `${name} has a table already; a change of its definition needs a migration that you write`,
    );
  }
  const version = sqliteMigrations.length + 1;
  const files = KINDS.flatMap(({ kind, sqlOf }) => {
    const list = join(MIGRATIONS, `${kind}.ts`);
    const sql = join(MIGRATIONS, kind, fileName(version, name));
    if (existsSync(sql))
      throw new Error(`${relative(ROOT, sql)} is there already; remove it first`);
    const source = withMigration(readFileSync(list, "utf8"), { kind, version, name });
    return [
      { path: sql, content: sqlOf(resource) },
      { path: list, content: source },
    ];
  });
  for (const { path, content } of files) writeFileSync(path, content);
  return files.map(({ path }) => relative(ROOT, path));
}

function main(): void {
  const [name, ...others] = process.argv.slice(2);
  if (!name || others.length > 0) throw new UsageError("expected the NAME of a resource");
  console.log(addMigrations(findResource(name, RESOURCES)).join("\n"));
}

if (import.meta.main) await runMain(main);
