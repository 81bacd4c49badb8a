import type { Migrations } from "../database/migrations/migration.ts";
import { postgresMigrations } from "../database/migrations/postgres.ts";
import { sqliteMigrations } from "../database/migrations/sqlite.ts";
import { grouped } from "../grouped.ts";
import { isSameValue } from "../resources/field.ts";
import { type Entry, inWords, type Resource } from "../resources/resource.ts";
import type { Clock } from "../time.ts";

/** What is copied, and the schema that has its tables. */
export type TransferOptions = {
  resources: readonly Resource[];
  clock: Clock;
  /** The service's own by default. */
  migrations?: Migrations;
};

export const MIGRATIONS: Migrations = { sqlite: sqliteMigrations, postgres: postgresMigrations };

/** A row of the service's own tables, with its times in milliseconds since the Unix epoch and JSON as text. */
export type RecordRow = Record<string, string | number>;

/** A table of the service besides the resources. Its key is `resource` and one more text. */
export type RecordTable = {
  name: string;
  key: string;
  columns: Readonly<Record<string, "text" | "integer" | "time" | "json">>;
};

/** A new table of the service belongs in here, so that backups contain it. */
export const RECORD_TABLES: readonly RecordTable[] = [
  {
    name: "idempotency_keys",
    key: "key",
    columns: { resource: "text", key: "text", answer: "json", created_at: "time" },
  },
  {
    name: "imports",
    key: "sha256",
    columns: { resource: "text", sha256: "text", lines: "integer", updated_at: "time" },
  },
];

/** The tables of the service that a backup contains, and those that it can do without. */
export const OWN_TABLES: readonly string[] = [
  ...RECORD_TABLES.map(({ name }) => name),
  // Of no use in a backup: the words of all entries are written again when it is restored.
  "search_words",
  // Of no use after a minute, or an hour.
  "limit_counts",
];

/** The columns that this release knows of each table that it copies. */
export function knownColumns(resources: readonly Resource[]): [table: string, Set<string>][] {
  const own = ["id", "created_at", "updated_at", "words"];
  return [
    ...resources.map(({ name, fields }) => [name, [...own, ...Object.keys(fields)]] as const),
    ...RECORD_TABLES.map(({ name, columns }) => [name, Object.keys(columns)] as const),
  ].map(([table, columns]) => [table, new Set(columns)]);
}

/** Schemas before version 3 had one resource, which no record names. */
export const FIRST_RESOURCE = "books";

/** Where a page of a record table starts: after this row. */
type RecordPosition = { resource: string; key: string };

/** One state of a database, which does not change while it is read. */
export type Snapshot = {
  /** Whether the database has a table for the resource: one of an earlier release may have none. */
  has(resource: Resource): Promise<boolean>;
  count(resource: Resource): Promise<number>;
  /** The highest id that was ever given to an entry; 0 if none was. */
  lastId(resource: Resource): Promise<number>;
  /** The next entries by id, after `after`. */
  entries(resource: Resource, after: number, limit: number): Promise<Entry[]>;
  /** The next rows by key. None where the table is of a later release. */
  records(table: RecordTable, after: RecordPosition, limit: number): Promise<RecordRow[]>;
  /** The tables that are neither a resource's nor the service's. */
  unknownTables(): Promise<string[]>;
  /** The columns of known tables that a newer release has added; none if the schema is not newer. */
  newerColumns(): Promise<string[]>;
};

/** Changes to a database that take effect all together or not at all. */
export type Loader = {
  count(resource: Resource): Promise<number>;
  /** Removes every entry of a resource, and what {@link RECORD_TABLES} have of it. */
  clear(resource: Resource): Promise<void>;
  /** Those of the entries that there are, by id. */
  find(resource: Resource, ids: readonly number[]): Promise<Map<number, Entry>>;
  /** Adds entries under ids that no entry has. */
  add(resource: Resource, entries: readonly Entry[]): Promise<void>;
  /** Runs `work`, which adds many entries, while no index has to follow, where that is worth it. */
  withoutIndexes<T>(resource: Resource, work: () => Promise<T>): Promise<T>;
  addRecords(table: RecordTable, rows: readonly RecordRow[]): Promise<void>;
  /** Ids that were given to no entry and will be given to no other. */
  takeIds(resource: Resource, count: number): Promise<number[]>;
  /** From now on no entry gets an id up to this one. */
  reserveIds(resource: Resource, lastId: number): Promise<void>;
  /** The number of lines that an unfinished import of the input with this hash has recorded. */
  importedLines(resource: Resource, sha256: string): Promise<number | undefined>;
  recordImport(resource: Resource, sha256: string, lines: number): Promise<void>;
  forgetImport(resource: Resource, sha256: string): Promise<void>;
};

/** What can be read in one state, and changed in one transaction. */
export type TransferDatabase = {
  read<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T>;
  /** @param locked the resources whose entries nobody else may change meanwhile. */
  write<T>(locked: readonly Resource[], work: (loader: Loader) => Promise<T>): Promise<T>;
};

/** The number of entries by the name of their resource. */
export type Counts = ReadonlyMap<string, number>;

/** What is in a backup: the number of entries, and the tables that the service does not know. */
export type BackupContent = { counts: Counts; unknownTables: readonly string[] };

type CopyOptions = {
  resources: readonly Resource[];
  /** Receives the number of entries that are copied so far. */
  onProgress?: (entries: number) => void;
  /** Ends the copy with its reason as the error. */
  signal?: AbortSignal | undefined;
};

/** The number of rows that are in memory at a time. */
const PAGE_SIZE = 2000;

/**
 * Copies the entries and records of the resources, ids and times as they are. No id that either database
 * has given out is given out again.
 */
export async function copyDatabase(
  from: Snapshot,
  to: Loader,
  { resources, onProgress, signal }: CopyOptions,
): Promise<void> {
  let copied = 0;
  for (const resource of resources) {
    await to.reserveIds(resource, await from.lastId(resource));
    await to.withoutIndexes(resource, async () => {
      for await (const page of entryPages(from, resource)) {
        signal?.throwIfAborted();
        await to.add(resource, page);
        copied += page.length;
        onProgress?.(copied);
      }
    });
  }
  for (const table of RECORD_TABLES) {
    for await (const page of recordPages(from, table)) {
      signal?.throwIfAborted();
      await to.addRecords(
        table,
        page.filter((row) => resources.some(({ name }) => name === row.resource)),
      );
    }
  }
}

/** The number of entries of each resource that the database has. */
export async function countEntries(
  snapshot: Snapshot,
  resources: readonly Resource[],
): Promise<Counts> {
  const counts = new Map<string, number>();
  for (const resource of resources) {
    if (await snapshot.has(resource)) counts.set(resource.name, await snapshot.count(resource));
  }
  return counts;
}

/** `reading list` for one, `reading lists` for any other number. */
export function nameOf({ one, name }: Resource, count: number): string {
  return inWords(count === 1 ? one : name);
}

/** `1 book`, `3 reading lists`. */
export function describeCount(resource: Resource, count: number): string {
  return `${grouped(count)} ${nameOf(resource, count)}`;
}

/** `3 books, 1 note, and the tables loans`. */
export function describeContent(
  resources: readonly Resource[],
  { counts, unknownTables }: BackupContent,
): string {
  const entries = resources
    .filter(({ name }) => counts.has(name))
    .map((resource) => describeCount(resource, counts.get(resource.name) ?? 0))
    .join(", ");
  return unknownTables.length > 0
    ? `${entries}, and the tables ${unknownTables.join(", ")}`
    : entries;
}

/** The number of all entries. */
export function totalOf(counts: Counts): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** The entries after an id, page by page. */
export async function* entryPages(
  snapshot: Snapshot,
  resource: Resource,
  after = 0,
): AsyncGenerator<Entry[]> {
  if (!(await snapshot.has(resource))) return;
  let start = after;
  for (;;) {
    const page = await snapshot.entries(resource, start, PAGE_SIZE);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    start = last.id;
  }
}

async function* recordPages(snapshot: Snapshot, table: RecordTable): AsyncGenerator<RecordRow[]> {
  let after: RecordPosition = { resource: "", key: "" };
  for (;;) {
    const page = await snapshot.records(table, after, PAGE_SIZE);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    after = { resource: String(last.resource), key: String(last[table.key]) };
  }
}

/** The value of a record's column as it was read. */
export function toRecord(
  { columns }: RecordTable,
  row: Readonly<Record<string, unknown>>,
): RecordRow {
  const entries = Object.entries(columns).map(([name, kind]) => {
    const isNumber = kind === "integer" || kind === "time";
    return [name, isNumber ? Number(row[name]) : String(row[name])];
  });
  return Object.fromEntries(entries);
}

/** Whether two entries are equal in every field and both times. */
export function isSameEntry({ fields }: Resource, left: Entry, right: Entry): boolean {
  const names: string[] = [...Object.keys(fields), "created_at", "updated_at"];
  return names.every((name) => isSameValue(left[name], right[name]));
}
