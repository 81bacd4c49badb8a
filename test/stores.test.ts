import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import postgres from "postgres";
import { createD1Database } from "../src/database/d1.ts";
import type { Database } from "../src/database/database.ts";
import { createMemoryDatabase } from "../src/database/memory.ts";
import type { Migration } from "../src/database/migrations/migration.ts";
import { DomainError } from "../src/errors.ts";
import type { Value, Values } from "../src/resources/field.ts";
import { postgresMigration, sqliteMigration } from "../src/resources/migration.ts";
import type { Resource } from "../src/resources/resource.ts";
import type { ListQuery, Precondition, Sort, Store } from "../src/resources/store.ts";
import { createStore } from "../src/resources/stores/create-store.ts";
import { termsOf } from "../src/resources/words.ts";
import { openPostgresDatabase } from "../src/server/database/postgres.ts";
import { openSqliteDatabase } from "../src/server/database/sqlite.ts";
import { applyToD1, emptyD1, type FreshD1, freshD1, migrateD1 } from "./d1.ts";
import { postgresMigrations } from "./example/migrations/postgres.ts";
import { sqliteMigrations } from "./example/migrations/sqlite.ts";
import { type FreshDatabase, freshDatabase } from "./postgres.ts";
import { BOOKS, MEASUREMENTS, measurements } from "./samples.ts";
import { type OpenedDatabase, storeContract } from "./store.contract.ts";

// Databases in processes of their own take their time to start, and to answer many calls.
setDefaultTimeout(60_000);

const POOL_SIZE = 4;
const BY_ID: Sort = { field: "id", descending: false };
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** The service's migrations, and the one that makes the tables of a second resource. */
const withMeasurements = (migrations: readonly Migration[], sql: string): Migration[] => [
  ...migrations,
  { version: migrations.length + 1, name: measurements.name, compatibleFrom: 4, sql },
];
const SQLITE = withMeasurements(sqliteMigrations, sqliteMigration(measurements));
const POSTGRES = withMeasurements(postgresMigrations, postgresMigration(measurements));

/** What the next release adds to the schema. */
const LATER: Migration = {
  version: SQLITE.length + 1,
  name: "later",
  compatibleFrom: SQLITE.length,
  sql: `
    ALTER TABLE books ADD COLUMN isbn text;
    ALTER TABLE measurements ADD COLUMN place text NOT NULL DEFAULT 'here';
    CREATE INDEX measurements_by_place ON measurements (place);
    ALTER TABLE idempotency_keys ADD COLUMN client text;`,
};

async function openMemory(): Promise<OpenedDatabase> {
  const memory = createMemoryDatabase();
  return { database: memory, close: () => memory.close() };
}

async function openSqlite(later: readonly Migration[] = []): Promise<OpenedDatabase> {
  const directory = mkdtempSync(join(tmpdir(), "thimble-store-"));
  const path = join(directory, "entries.db");
  await migrateAndClose(openSqliteDatabase(path, { migrations: [...SQLITE, ...later] }));
  const open = () => openSqliteDatabase(path, { migrations: SQLITE });
  return reopenable(open, async () => rmSync(directory, { recursive: true }));
}

async function migrateAndClose(database: Database): Promise<void> {
  await database.migrate();
  await database.close();
}

/** As the release before left it, when the next one has been there. */
const openNewerSqlite = () => openSqlite([LATER]);

type PostgresOptions = { later?: readonly Migration[]; traceparent?: () => string };

/**
 * Opens one database again and again: as good as fresh, and sooner there, because a store sees no difference
 * to a sequence that never counted.
 */
function postgresOpener({ later = [], traceparent }: PostgresOptions = {}) {
  let place: FreshDatabase | undefined;
  return async function openPostgres(): Promise<OpenedDatabase> {
    if (!place) {
      place = await freshDatabase();
      made.push(place);
      await migrateAndClose(
        openPostgresDatabase(place.url, { migrations: [...POSTGRES, ...later] }),
      );
    }
    const { url } = place;
    const open = () =>
      openPostgresDatabase(url, { poolSize: POOL_SIZE, migrations: POSTGRES, traceparent });
    return reopenable(open, async () => {
      const sql = postgres(url, { max: 1 });
      await sql`TRUNCATE books, measurements, idempotency_keys RESTART IDENTITY`;
      await sql.end();
    });
  };
}

const openPostgres = postgresOpener();
/** The same, with a comment in every statement, as those of a request that is traced. */
const openTracedPostgres = postgresOpener({ traceparent: () => TRACEPARENT });
const openNewerPostgres = postgresOpener({ later: [LATER] });

/** As good as fresh, as above. */
async function openD1(): Promise<OpenedDatabase> {
  if (!d1) {
    d1 = await freshD1();
    await migrateD1(d1.database);
    await applyToD1(d1.database, sqliteMigration(measurements));
  }
  const { database: binding } = d1;
  return reopenable(
    () => createD1Database(binding),
    () => emptyD1(binding, ["books", "book_words", "measurements"]),
  );
}

const made: FreshDatabase[] = [];
let d1: FreshD1 | undefined;

afterAll(async () => {
  await d1?.close();
  for (const { drop } of made) await drop();
});

async function reopenable(
  open: () => Database,
  empty: () => Promise<void>,
): Promise<OpenedDatabase> {
  const openMigrated = async () => {
    const opened = open();
    await opened.migrate();
    return opened;
  };
  let current = await openMigrated();
  return {
    database: current,
    reopen: async () => {
      await current.close();
      current = await openMigrated();
      return current;
    },
    close: async () => {
      await current.close();
      await empty();
    },
  };
}

storeContract("memory", openMemory, { durable: false });
storeContract("SQLite", () => openSqlite(), { durable: true });
storeContract("SQLite with the schema of the next release", openNewerSqlite, { durable: true });
storeContract("PostgreSQL", openPostgres, { durable: true });
storeContract("PostgreSQL with the schema of the next release", openNewerPostgres, {
  durable: true,
});
storeContract("PostgreSQL, traced", openTracedPostgres, { durable: true });
storeContract("D1", openD1, { durable: true });

/** One call of a store; its id counts from the first entry of the sequence. */
type Step =
  | { kind: "wait"; milliseconds: number }
  | { kind: "create"; input: Values; key: string | undefined }
  | { kind: "update"; id: number; changes: Values; precondition: Expectation }
  | { kind: "delete"; id: number; precondition: Expectation }
  | { kind: "get"; id: number }
  | { kind: "list"; query: ListQuery };

type Expectation = "none" | "current" | "stale";

/** The values of each field: few, so that they meet. */
type Few = Record<string, fc.Arbitrary<NonNullable<Value>>>;

// Code points on both sides of the surrogates, accents, cases.
const text = fc
  .array(
    fc.constantFrom("a", "A", "á", "ß", "zz", "\ufffd", "😀", "𐐀", "9", "-", "'", '"', " x "),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((parts) => parts.join("").trim());

const OF_BOOKS: Few = {
  title: text,
  author: text,
  year: fc.constantFrom(-4000, -1, 0, 1, 9999),
};

const decimal = fc.constantFrom(-1e308, -1, -5e-324, 0, 5e-324, 0.1, 1, 1e308);
const time = fc.constantFrom(
  "0001-01-01T00:00:00.000Z",
  "1969-12-31T23:59:59.999Z",
  "1970-01-01T00:00:00.000Z",
  "2026-01-01T00:00:00.000Z",
  "2026-01-01T00:00:00.001Z",
  "9999-12-31T23:59:59.999Z",
);

const OF_MEASUREMENTS: Few = {
  sensor: text,
  taken_at: time,
  value: decimal,
  count: fc.constantFrom(Number.MIN_SAFE_INTEGER, -1, 0, 1, 2 ** 31, Number.MAX_SAFE_INTEGER),
  quality: fc.constantFrom("Z", "a", "\u00e9", "\uffff", "\u{1f600}"),
  valid: fc.boolean(),
  note: text,
  order: fc.constantFrom(-5, 0, 1, 1000),
  error: decimal,
  confirmed: fc.boolean(),
  checked_at: time,
  unit: fc.constantFrom("m", "kg"),
};

const id = fc.integer({ min: 1, max: 6 });
const precondition = fc.constantFrom<Expectation>("none", "none", "current", "stale");
const milliseconds = fc.constantFrom(-5, 1, 1000, 86_400_000 - 1, 86_400_000);

/** Any step of a sequence on a resource. */
function stepsOn(resource: Resource, few: Few): fc.Arbitrary<Step> {
  const anyValue = (field: string): fc.Arbitrary<Value> => {
    const value = few[field] ?? fc.constant(null);
    return resource.fields[field]?.optional ? fc.option(value, { nil: null }) : value;
  };
  const fields = Object.keys(resource.fields);
  const input = fc.record(Object.fromEntries(fields.map((field) => [field, anyValue(field)])));
  const changes = fc
    .constantFrom(...fields)
    .chain((field) => anyValue(field).map((value) => ({ [field]: value })));
  const filters = fc.record(
    Object.fromEntries(
      resource.filter.map((field) => [
        field,
        fc.option(few[field] ?? fc.constant(0), { nil: undefined, freq: 1 }),
      ]),
    ),
  );
  const sort = fc.record({
    field: fc.constantFrom("id", ...resource.sort),
    descending: fc.boolean(),
  });
  const noWords = fc.constant<string[]>([]);
  const query: fc.Arbitrary<ListQuery> = sort.chain(({ field, descending }) => {
    const place = fc.record({ value: few[field] ?? fc.constant(0), id });
    return fc.record({
      limit: fc.constantFrom(1, 3, 100),
      sort: fc.constant({ field, descending }),
      after: fc.option(field === "id" ? id.map((both) => ({ value: both, id: both })) : place, {
        nil: undefined,
      }),
      words: resource.search.length > 0 ? fc.oneof(noWords, text.map(termsOf)) : noWords,
      // Half of the lists are filtered by nothing, so that more than one entry is listed.
      filters: fc.oneof(fc.constant({}), filters.map(defined)),
    });
  });
  const key = fc.constantFrom(undefined, undefined, "k", "K");
  return fc.oneof(
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), milliseconds }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("create" as const), input, key }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("update" as const), id, changes, precondition }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("delete" as const), id, precondition }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("get" as const), id }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("list" as const), query }) },
  );
}

/** The filters that are given. */
function defined(filters: Values): ListQuery["filters"] {
  const given = Object.entries(filters).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [[name, value] as const],
  );
  return Object.fromEntries(given);
}

describe.each([
  { subject: BOOKS, few: OF_BOOKS },
  { subject: MEASUREMENTS, few: OF_MEASUREMENTS },
])("any sequence of calls on $subject.resource.name", ({ subject, few }) => {
  const { resource, input } = subject;
  let now = Date.parse("2026-01-01T00:00:00.000Z");
  let opened: OpenedDatabase[] = [];
  let stores: Store[] = [];

  beforeAll(async () => {
    opened = [await openMemory(), await openSqlite(), await openPostgres(), await openD1()];
    stores = opened.map((each) => createStore(each.database, resource, () => now));
  });

  afterAll(async () => {
    for (const { close } of opened) await close();
  });

  /** Leaves the stores as if they were new, but for the ids, and returns the last id given out. */
  async function startAgain(): Promise<number> {
    now += 10 * 86_400_000;
    let lastId = 0;
    for (const store of stores) {
      lastId = (await store.create(input)).entry.id;
      const all = await store.list({ limit: 1000, sort: BY_ID, words: [], filters: {} });
      for (const entry of all) await store.delete(entry.id);
    }
    return lastId;
  }

  test("has the same results in memory, in SQLite, in PostgreSQL and in D1", async () => {
    const steps = fc.array(stepsOn(resource, few), { minLength: 5, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const base = await startAgain();
        for (const step of sequence) {
          if (step.kind === "wait") now += step.milliseconds;
          const [expected, ...others] = await Promise.all(
            stores.map((store) => resultOf(store, step, base)),
          );
          for (const other of others) expect(other).toEqual(expected);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** What a call answers, or the code it is refused with. */
async function resultOf(store: Store, step: Step, base: number): Promise<unknown> {
  try {
    return await perform(store, step, base);
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
}

/** The ids of a step count from `base`, the last id before the first step. */
async function perform(store: Store, step: Step, base: number): Promise<unknown> {
  switch (step.kind) {
    case "wait":
      return undefined;
    case "create":
      return store.create(step.input, step.key);
    case "update":
      return store.update(base + step.id, step.changes, await preconditionOf(store, step, base));
    case "delete":
      return store.delete(base + step.id, await preconditionOf(store, step, base));
    case "get":
      return store.get(base + step.id);
    case "list": {
      const { after, ...query } = step.query;
      const place = base + (after?.id ?? 0);
      const value = query.sort.field === "id" ? place : (after?.value ?? "");
      return store.list({ ...query, after: after && { id: place, value } });
    }
  }
}

async function preconditionOf(
  store: Store,
  step: { id: number; precondition: Expectation },
  base: number,
): Promise<Precondition | undefined> {
  if (step.precondition === "none") return undefined;
  const entry = await store.get(base + step.id);
  const current = Date.parse(entry?.updated_at ?? "1970-01-01T00:00:00.000Z");
  const expected = step.precondition === "current" ? current : current - 1;
  return { updatedAt: new Date(expected).toISOString() };
}
