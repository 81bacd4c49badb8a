import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import postgres, { type Sql } from "postgres";
import { DomainError } from "../src/errors.ts";
import { type BookChanges, type BookInput, SEED_BOOKS } from "../src/resources/book.ts";
import {
  type BookQuery,
  type BookStore,
  IDEMPOTENCY_WINDOW_MS,
  type Precondition,
  SORT_FIELDS,
  type Sort,
} from "../src/resources/store.ts";
import { createD1BookStore } from "../src/resources/stores/d1.ts";
import { wordsOf } from "../src/resources/words.ts";
import { openStore } from "../src/server/database/open-store.ts";
import { childOf, continueTrace } from "../src/telemetry/trace-context.ts";
import type { TraceScope } from "../src/telemetry/tracing.ts";
import { emptyD1, type FreshD1, freshD1, migrateD1 } from "./d1.ts";
import { type FreshDatabase, freshDatabase } from "./postgres.ts";
import { type OpenedStore, type StoreOptions, storeContract } from "./store.contract.ts";

// Databases in processes of their own take their time to start, and to answer many calls.
setDefaultTimeout(60_000);

const POOL_SIZE = 4;
const BY_ID: Sort = { field: "id", descending: false };

async function openMemory({ clock, seedBooks }: StoreOptions): Promise<OpenedStore> {
  const database = { kind: "memory" } as const;
  const { store } = await openStore({ database, databasePoolSize: POOL_SIZE, seedBooks }, clock);
  return { store, close: () => store.close() };
}

async function openSqlite(options: StoreOptions): Promise<OpenedStore> {
  const directory = mkdtempSync(join(tmpdir(), "thimble-store-"));
  const database = { kind: "sqlite", path: join(directory, "books.db") } as const;
  return reopenable(database, options, async () => rmSync(directory, { recursive: true }));
}

/** As good as fresh, and sooner there: a store sees no difference to a sequence that never counted. */
async function openPostgres(options: StoreOptions, scope?: TraceScope): Promise<OpenedStore> {
  database ??= await freshDatabase();
  const { url } = database;
  const empty = async () => {
    sql ??= postgres(url, { max: 1 });
    await sql`TRUNCATE books, idempotency_keys RESTART IDENTITY`;
  };
  return reopenable({ kind: "postgres", url }, options, empty, scope);
}

/** The same, with a comment in every statement, as those of a request that is traced. */
async function openTracedPostgres(options: StoreOptions): Promise<OpenedStore> {
  const trace = continueTrace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", undefined);
  const scope: TraceScope = { run: (_trace, work) => work(), current: () => childOf(trace) };
  return openPostgres(options, scope);
}

/** As good as fresh, as above. */
async function openD1(options: StoreOptions): Promise<OpenedStore> {
  if (!d1) {
    d1 = await freshD1();
    await migrateD1(d1.database);
  }
  const { database } = d1;
  const open = async ({ clock, seedBooks }: StoreOptions) => {
    const store = createD1BookStore({ database, clock, seed: seedBooks ? SEED_BOOKS : [] });
    await store.ping();
    return store;
  };
  return { store: await open(options), reopen: open, close: () => emptyD1(database) };
}

let database: FreshDatabase | undefined;
let sql: Sql | undefined;
let d1: FreshD1 | undefined;

afterAll(async () => {
  await d1?.close();
  await sql?.end();
  await database?.drop();
});

type Database = Parameters<typeof openStore>[0]["database"];

async function reopenable(
  database: Database,
  options: StoreOptions,
  remove: () => Promise<void>,
  scope?: TraceScope,
): Promise<OpenedStore> {
  const openPrepared = async ({ clock, seedBooks }: StoreOptions) => {
    const config = { database, databasePoolSize: POOL_SIZE, seedBooks };
    const { store, prepare } = await openStore(config, clock, scope);
    await prepare();
    return store;
  };
  let store = await openPrepared(options);
  return {
    store,
    reopen: async (next) => {
      await store.close();
      store = await openPrepared(next);
      return store;
    },
    close: async () => {
      await store.close();
      await remove();
    },
  };
}

storeContract("memory", openMemory, { durable: false });
storeContract("SQLite", openSqlite, { durable: true });
storeContract("PostgreSQL", openPostgres, { durable: true });
storeContract("PostgreSQL, traced", openTracedPostgres, { durable: true });
storeContract("D1", openD1, { durable: true });

/** One call of a store; its id counts from the first book of the sequence. */
type Step =
  | { kind: "wait"; milliseconds: number }
  | { kind: "create"; input: BookInput; key: string | undefined }
  | { kind: "update"; id: number; changes: BookChanges; precondition: Expectation }
  | { kind: "delete"; id: number; precondition: Expectation }
  | { kind: "get"; id: number }
  | { kind: "list"; query: BookQuery };

type Expectation = "none" | "current" | "stale";

// Few values, so that they meet; code points on both sides of the surrogates, accents, cases.
const text = fc
  .array(
    fc.constantFrom("a", "A", "á", "ß", "zz", "\ufffd", "😀", "𐐀", "9", "-", "'", '"', " x "),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((parts) => parts.join("").trim());
const year = fc.constantFrom(-4000, -1, 0, 1, 9999);
const id = fc.integer({ min: 1, max: 6 });
const input = fc.record({ title: text, author: text, year });
const precondition = fc.constantFrom<Expectation>("none", "none", "current", "stale");
const sort = fc.record({ field: fc.constantFrom(...SORT_FIELDS), descending: fc.boolean() });
const query: fc.Arbitrary<BookQuery> = sort.chain(({ field, descending }) => {
  const value = field === "id" ? id : field === "year" ? year : text;
  return fc.record({
    limit: fc.constantFrom(1, 3, 100),
    sort: fc.constant({ field, descending }),
    after: fc.option(
      field === "id" ? id.map((both) => ({ value: both, id: both })) : fc.record({ value, id }),
      { nil: undefined },
    ),
    words: fc.oneof(fc.constant([]), text.map(wordsOf)),
    author: fc.option(text, { nil: undefined, freq: 1 }),
    year: fc.option(year, { nil: undefined, freq: 1 }),
  });
});
const milliseconds = fc.constantFrom(-5, 1, 1000, IDEMPOTENCY_WINDOW_MS - 1, IDEMPOTENCY_WINDOW_MS);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), milliseconds }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("create" as const),
      input,
      key: fc.constantFrom(undefined, undefined, "k", "K"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("update" as const),
      id,
      changes: fc
        .constantFrom<(keyof BookInput)[]>("title", "author", "year")
        .chain((field) => input.map((values) => ({ [field]: values[field] }) as BookChanges)),
      precondition,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("delete" as const), id, precondition }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("get" as const), id }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("list" as const), query }) },
);

describe("any sequence of calls", () => {
  let now = Date.parse("2026-01-01T00:00:00.000Z");
  let opened: OpenedStore[] = [];

  beforeAll(async () => {
    const options = { clock: () => now, seedBooks: false };
    opened = [
      await openMemory(options),
      await openSqlite(options),
      await openPostgres(options),
      await openD1(options),
    ];
  });

  afterAll(async () => {
    for (const { close } of opened) await close();
  });

  /** Leaves the stores as if they were new, but for the ids, and answers the last id given out. */
  async function startAnew(): Promise<number> {
    now += 10 * IDEMPOTENCY_WINDOW_MS;
    let lastId = 0;
    for (const { store } of opened) {
      lastId = (await store.create({ title: "last", author: "last", year: 0 })).book.id;
      const books = await store.list({ limit: 1000, sort: BY_ID, words: [] });
      for (const book of books) await store.delete(book.id);
    }
    return lastId;
  }

  test("has the same results in memory, in SQLite, in PostgreSQL and in D1", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const base = await startAnew();
        for (const each of steps) {
          if (each.kind === "wait") now += each.milliseconds;
          const [expected, ...others] = await Promise.all(
            opened.map(({ store }) => resultOf(store, each, base)),
          );
          for (const other of others) expect(other).toEqual(expected);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** What a call answers, or the code it is refused with. */
async function resultOf(store: BookStore, step: Step, base: number): Promise<unknown> {
  try {
    return await perform(store, step, base);
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
}

/** The ids of a step count from `base`, the last id before the first step. */
async function perform(store: BookStore, step: Step, base: number): Promise<unknown> {
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
      const id = base + (after?.id ?? 0);
      const value = query.sort.field === "id" ? id : (after?.value ?? "");
      return store.list({ ...query, after: after && { id, value } });
    }
  }
}

async function preconditionOf(
  store: BookStore,
  { id, precondition }: { id: number; precondition: Expectation },
  base: number,
): Promise<Precondition | undefined> {
  if (precondition === "none") return undefined;
  const book = await store.get(base + id);
  const current = Date.parse(book?.updated_at ?? "1970-01-01T00:00:00.000Z");
  return { updatedAt: new Date(precondition === "current" ? current : current - 1).toISOString() };
}
