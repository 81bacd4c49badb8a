import { join } from "node:path";
import type { books } from "../src/books.ts";
import { runCli } from "../src/cli/cli.ts";
import { parseDatabaseConfig } from "../src/config/config.ts";
import type { Migrations } from "../src/database/migrations/migration.ts";
import type { EntryOf, Resource } from "../src/resources/resource.ts";
import { createStore, type StoreOf } from "../src/resources/stores/create-store.ts";
import { openPostgresDatabase } from "../src/server/database/postgres.ts";
import { openSqliteDatabase } from "../src/server/database/sqlite.ts";
import { MIGRATIONS } from "../src/transfer/copy.ts";
import { freshDatabase } from "./postgres.ts";
import { idleRuntime } from "./runtime.ts";
import { newDirectory, type Variables } from "./service.ts";

export type Book = EntryOf<typeof books>;

export const KINDS = ["SQLite", "PostgreSQL"] as const;
export type Kind = (typeof KINDS)[number];

/** A database of one's own, with nothing in it, not even a schema. */
export type Place = {
  env: { DATABASE_URL: string; DATA_DIR: string };
  drop: () => Promise<void>;
};

export async function openPlace(kind: Kind): Promise<Place> {
  const directory = newDirectory();
  if (kind === "SQLite") {
    const DATABASE_URL = `sqlite:${join(directory, "books.db")}`;
    return { env: { DATABASE_URL, DATA_DIR: directory }, drop: async () => {} };
  }
  const { url, drop } = await freshDatabase();
  return { env: { DATABASE_URL: url, DATA_DIR: directory }, drop };
}

export type Result = { code: number; stdout: string; stderr: string };

/** Runs a command in this process. `untilSignal` is given what was written to standard output so far. */
export async function runHere(
  place: { env: Variables; clock?: () => number },
  args: readonly string[],
  untilSignal: (lines: readonly string[]) => Promise<string> = async () => "SIGTERM",
): Promise<Result> {
  const written = { stdout: [] as string[], stderr: [] as string[] };
  const runtime = idleRuntime({
    env: place.env,
    ...(place.clock && { clock: place.clock }),
    stdout: (line) => void written.stdout.push(line),
    stderr: (line) => void written.stderr.push(line),
    untilSignal: () => untilSignal(written.stdout),
  });
  const code = await runCli(args, runtime);
  return { code, stdout: written.stdout.join("\n"), stderr: written.stderr.join("\n") };
}

/** What a command reads from the environment of a place. */
export function configOf({ env }: { env: Variables }) {
  return parseDatabaseConfig(env, () => "");
}

/** The database of a place, with its schema up to date. */
export async function openPlaceDatabase(
  { env: { DATABASE_URL } }: Place,
  { sqlite, postgres }: Migrations = MIGRATIONS,
) {
  const database = DATABASE_URL.startsWith("sqlite:")
    ? openSqliteDatabase(sqlitePath(DATABASE_URL), { migrations: sqlite })
    : openPostgresDatabase(DATABASE_URL, { poolSize: 1, migrations: postgres });
  await database.migrate();
  return database;
}

export function sqlitePath(databaseUrl: string): string {
  return databaseUrl.slice("sqlite:".length);
}

/** Uses a store of a place, and closes its database. */
export async function withStore<T, R extends Resource>(
  place: Place,
  resource: R,
  use: (store: StoreOf<R>) => Promise<T>,
  migrations?: Migrations,
): Promise<T> {
  const database = await openPlaceDatabase(place, migrations);
  try {
    return await use(createStore(database, resource));
  } finally {
    await database.close();
  }
}

/** Every entry, up to 200, or those with these words. */
export const everyEntry = (words: string[] = []) => ({
  limit: 200,
  sort: { field: "id", descending: false } as const,
  words,
  filters: {},
});

/** Books as an export has them, in order of their ids, which are not all there. */
export function someBooks(count: number): Book[] {
  return Array.from({ length: count }, (_, index) => ({
    id: index * 2 + 3,
    title: `Book ${index} of Œuvres "complètes" 𝕏`,
    author: `Wrïter ${index % 7}`,
    year: (index % 6000) - 1000,
    created_at: new Date(Date.UTC(2020, 0, 1) + index * 1001).toISOString(),
    updated_at: new Date(Date.UTC(2021, 0, 1) + index * 1003).toISOString(),
  }));
}

export function toLines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join("");
}
