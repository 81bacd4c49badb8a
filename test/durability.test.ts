import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import postgres from "postgres";
import { books } from "../src/books.ts";
import type { Migration } from "../src/database/migrations/migration.ts";
import type { Resource } from "../src/resources/resource.ts";
import { createStore } from "../src/resources/stores/create-store.ts";
import { openDatabase } from "../src/server/database/open-database.ts";
import { openPostgresDatabase } from "../src/server/database/postgres.ts";
import { openSqliteDatabase } from "../src/server/database/sqlite.ts";
import { API_KEY, type ChildService, runService, startService } from "./child-service.ts";
import { type Book, everyEntry } from "./data.ts";
import { postgresMigrations } from "./example/migrations/postgres.ts";
import { sqliteMigrations } from "./example/migrations/sqlite.ts";
import { freshDatabase } from "./postgres.ts";
import { until, type Variables } from "./service.ts";

setDefaultTimeout(30_000);

/** An empty database, and ways to look into it without the service. */
type Place = {
  /** Variables that make the service use it. */
  variables: Record<string, string>;
  /** Applies one more migration, as a later release does. */
  upgrade: (later: Later) => Promise<void>;
  /** Ends every connection of the service. */
  disconnect: () => Promise<void>;
  /** How many migrations were applied to it. */
  migrations: () => Promise<number>;
  remove: () => Promise<void>;
};

/** What the next release does to the schema. */
type Later = { sql: string; compatibleFrom: number };

const KNOWN = sqliteMigrations.length;
const withLater = (migrations: readonly Migration[], later: Later): Migration[] => [
  ...migrations,
  { version: KNOWN + 1, name: "later", ...later },
];
const EXPANDING: Later = {
  sql: `ALTER TABLE books ADD COLUMN isbn text;
    CREATE TABLE reviews (id integer PRIMARY KEY, book integer REFERENCES books (id))`,
  compatibleFrom: KNOWN,
};
const CONTRACTING: Later = {
  sql: "ALTER TABLE books RENAME COLUMN year TO published",
  compatibleFrom: KNOWN + 1,
};
const DUNE = { title: "Dune", author: "Frank Herbert", year: 1965 };

async function openSqlite(): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), "thimble-durability-"));
  const path = join(directory, "thimble.db");
  const query = (sql: string) => {
    const database = new DatabaseSync(path);
    try {
      return database.prepare(sql).get();
    } finally {
      database.close();
    }
  };
  return {
    variables: { DATA_DIR: directory },
    upgrade: async (later) => {
      const migrations = withLater(sqliteMigrations, later);
      const database = openSqliteDatabase(path, { migrations });
      expect(await database.migrate()).toBe(1);
      await database.close();
    },
    disconnect: async () => {},
    migrations: async () => Number(query("PRAGMA user_version")?.user_version),
    remove: async () => rmSync(directory, { recursive: true }),
  };
}

async function openPostgres(): Promise<Place> {
  const { url, drop } = await freshDatabase();
  const sql = postgres(url, { max: 1 });
  return {
    variables: { DATABASE_URL: url, DATABASE_POOL_SIZE: "4" },
    upgrade: async (later) => {
      const migrations = withLater(postgresMigrations, later);
      const database = openPostgresDatabase(url, { migrations });
      expect(await database.migrate()).toBe(1);
      await database.close();
    },
    disconnect: async () => {
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`;
    },
    migrations: async () => {
      const [row] = await sql`SELECT count(*) FROM schema_migrations`;
      return Number(row?.count);
    },
    remove: async () => {
      await sql.end();
      await drop();
    },
  };
}

/** Each migration is applied by one instance, several by one or by several. */
function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

test("PostgreSQL: twenty instances that start at the same moment migrate once and add the samples once", async () => {
  const { url, drop } = await freshDatabase();
  const database = { kind: "postgres", url } as const;
  const config = { database, databasePoolSize: 1 };
  const opened = await Promise.all(Array.from({ length: 20 }, () => openDatabase(config)));
  const stores = opened.map((each) => createStore<Resource>(each.database, books));
  try {
    const applied = await Promise.all(opened.map((each) => each.database.migrate()));
    expect(sum(applied)).toBe(postgresMigrations.length);
    await Promise.all(stores.map((store) => store.addSamples(books.samples)));
    for (const store of stores) {
      expect((await store.list(everyEntry())).map(({ id }) => id)).toEqual([1, 2]);
    }
  } finally {
    await Promise.all(opened.map((each) => each.database.close()));
    await drop();
  }
});

durability("SQLite", openSqlite);
durability("PostgreSQL", openPostgres);

function durability(name: string, open: () => Promise<Place>): void {
  describe(`${name}: durability`, () => {
    let place: Place;
    let services: ChildService[] = [];

    beforeEach(async () => {
      place = await open();
    });

    afterEach(async () => {
      await Promise.all(services.map(({ kill }) => kill()));
      services = [];
      await place.remove();
    });

    const start = async (variables: Variables = {}) => {
      const service = await startService({ ...place.variables, ...variables });
      services.push(service);
      return service;
    };

    test("loses no acknowledged book when it is killed during writes", async () => {
      let service = await start({ SEED: "false" });
      const acknowledged: Book[] = [];
      for (const round of [1, 2]) {
        const enough = acknowledged.length + 100;
        const killed = new AbortController();
        const writers = [1, 2, 3, 4].map((writer) =>
          write(service, `${round} ${writer}`, acknowledged, killed.signal),
        );
        await until("books are acknowledged", () => acknowledged.length >= enough);
        killed.abort();
        await service.kill();
        await Promise.all(writers);
        service = await start({ SEED: "false" });
        const kept = await everyBook(service);
        const byId = new Map(kept.map((book) => [book.id, book]));
        for (const book of acknowledged) expect(byId.get(book.id)).toEqual(book);
        // Each writer may have had one more in flight, which is stored completely or not at all.
        expect(kept.length).toBeLessThanOrEqual(acknowledged.length + round * writers.length);
        expect(await everyBook(service, "&q=somebody")).toEqual(kept);
      }
    });

    test("loses no acknowledged book of many clients when it is killed during thousands of writes", async () => {
      const service = await start({ SEED: "false" });
      const acknowledged: Book[] = [];
      const killed = new AbortController();
      const writers = Array.from({ length: 64 }, (_, writer) =>
        write(service, `Writer ${writer}`, acknowledged, killed.signal),
      );
      await until("books are acknowledged", () => acknowledged.length >= 3000);
      killed.abort();
      await service.kill();
      await Promise.all(writers);
      const kept = await everyBook(await start({ SEED: "false" }));
      const byId = new Map(kept.map((book) => [book.id, book]));
      for (const book of acknowledged) expect(byId.get(book.id)).toEqual(book);
      expect(kept.length).toBeLessThanOrEqual(acknowledged.length + writers.length);
    });

    test("gives the first answer to an idempotency key again after a restart", async () => {
      const key = { "Idempotency-Key": "a key" };
      const input = { title: "Dune", author: "Frank Herbert", year: 1965 };
      const first = await start({ SEED: "true" });
      const created = await first.send("POST", "/books", input, key);
      const body = await created.text();
      expect(created.status).toBe(201);
      await first.kill();

      const second = await start();
      const replayed = await second.send("POST", "/books", input, key);
      expect(replayed.status).toBe(201);
      expect(replayed.headers.get("Idempotency-Replayed")).toBe("true");
      for (const header of ["Location", "ETag"]) {
        expect(replayed.headers.get(header)).toBe(created.headers.get(header));
      }
      expect(await replayed.text()).toBe(body);
      expect((await second.send("POST", "/books", { ...input, year: 1 }, key)).status).toBe(422);
      expect(await everyBook(second)).toHaveLength(3);
    });

    test("ten instances that start together migrate once and seed once", async () => {
      await Promise.all(Array.from({ length: 10 }, () => start({ SEED: "true" })));
      expect(services).toHaveLength(10);
      for (const service of services) {
        expect((await service.fetch("/ready")).status).toBe(200);
        expect((await everyBook(service)).map(({ id, title }) => [id, title])).toEqual([
          [1, "1984"],
          [2, "To Kill a Mockingbird"],
        ]);
      }
      const migrated = services
        .flatMap((service) => service.log())
        .filter(({ message }) => message === "database migrated");
      expect(sum(migrated.map(({ migrations }) => Number(migrations)))).toBe(
        sqliteMigrations.length,
      );
      expect(await place.migrations()).toBe(sqliteMigrations.length);
    });

    test("works with the schema of a later release that is compatible, and warns of it at the start", async () => {
      const old = await start({ SEED: "false" });
      const add = async (service: ChildService) =>
        (await service.send("POST", "/books", DUNE)).status;
      expect(await add(old)).toBe(201);
      expect((await old.send("DELETE", "/books/1")).status).toBe(204);
      await place.upgrade(EXPANDING);
      expect(await add(old)).toBe(201);
      await place.disconnect();
      await until("it has connected again", async () => (await add(old)) === 201);

      const [second, third] = await Promise.all([start({ SEED: "true" }), start()]);
      for (const service of [second, third]) {
        expect(service.log().filter(({ level }) => level === "WARNING")).toMatchObject([
          {
            message: "the schema is of a newer release, and works with this one",
            schema_version: KNOWN + 1,
            known_version: KNOWN,
            compatible_from: KNOWN,
          },
        ]);
      }
      for (const service of [old, second, third]) {
        expect((await service.fetch("/ready")).status).toBe(200);
        expect(await add(service)).toBe(201);
      }
      expect(await everyBook(third, "&q=herbert")).toEqual(await everyBook(old));
      expect(await place.migrations()).toBe(KNOWN + 1);
    });

    test("adds no samples to the schema of a later release", async () => {
      await (await start({ SEED: "false" })).kill();
      await place.upgrade(EXPANDING);
      expect(await everyBook(await start({ SEED: "true" }))).toEqual([]);
    });

    test("refuses the schema of a later release that is not compatible", async () => {
      await (await start()).kill();
      await place.upgrade(CONTRACTING);
      const { code, stderr, stdout } = await runService(place.variables);
      expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
      expect(stderr).toMatch(
        `The database has schema version ${KNOWN + 1}, and this release knows only ${KNOWN}. ` +
          `Run a release that knows version ${KNOWN + 1} at least.\n`,
      );
      expect(stderr).toMatch(/^thimble: .+\n$/);
      expect(stderr).not.toContain(API_KEY);
    });

    test("answers 503 and says why when a later release makes the schema incompatible", async () => {
      const service = await start({ SEED: "true" });
      expect((await service.fetch("/books/1")).status).toBe(200);
      await place.upgrade(CONTRACTING);
      const asks = [() => service.send("POST", "/books", DUNE), () => service.fetch("/books/1")];
      for (const _time of [1, 2]) {
        for (const ask of asks) {
          // An instance notices a little later that its connection is lost, and says that until then.
          await until("the answer says why", async () => {
            const answer = await ask();
            expect(answer.status).toBe(503);
            const { detail } = await answer.json();
            return detail.startsWith("The database is of a newer release than this instance");
          });
        }
        await place.disconnect();
      }
      const ready = await service.fetch("/ready");
      expect([ready.status, await ready.json()]).toMatchObject([
        503,
        { checks: { database: "unavailable" } },
      ]);
      expect((await service.fetch("/healthz")).status).toBe(200);
      expect(service.log().find(({ level }) => level === "ERROR")).toMatchObject({
        message: "request refused",
        cause: expect.stringContaining(`has schema version ${KNOWN + 1}`),
      });
    });

    test("adds no books if SEED is false, which it is outside of development", async () => {
      const development = { ENVIRONMENT: "development" };
      expect(await everyBook(await start({ ...development, SEED: "false" }))).toEqual([]);
      expect(await everyBook(await start({ SEED: undefined }))).toEqual([]);
      expect(await everyBook(await start({ ...development, SEED: undefined }))).toHaveLength(2);
    });

    test("does not bring deleted seeds back", async () => {
      const first = await start({ SEED: "true" });
      for (const id of [1, 2]) {
        expect((await first.send("DELETE", `/books/${id}`)).status).toBe(204);
      }
      await first.kill();
      expect(await everyBook(await start({ SEED: "true" }))).toEqual([]);
    });
  });
}

/** Adds one book after the other, until the service is killed. */
async function write(
  service: ChildService,
  title: string,
  acknowledged: Book[],
  killed: AbortSignal,
): Promise<void> {
  for (let year = 0; ; year += 1) {
    try {
      const response = await service.send("POST", "/books", { title, author: "Somebody", year });
      if (response.status !== 201) throw new Error(`Answered ${response.status}`);
      acknowledged.push((await response.json()) as Book);
    } catch (error) {
      if (killed.aborted) return;
      throw error;
    }
  }
}

async function everyBook(service: ChildService, filter = ""): Promise<Book[]> {
  const books: Book[] = [];
  let next = `/books?limit=200${filter}`;
  for (;;) {
    const response = await service.fetch(next);
    expect(response.status).toBe(200);
    const page = (await response.json()) as { items: Book[]; next_cursor: string | null };
    books.push(...page.items);
    if (page.next_cursor === null) return books;
    next = `/books?limit=200${filter}&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
}
