import { afterAll, beforeAll, expect, test } from "bun:test";
import postgres, { type Sql } from "postgres";
import { createPostgres, type PostgresServer } from "../../../test/postgres.ts";
import { NewerSchemaError } from "../migrations/migration.ts";
import { createPostgresSessions } from "./sessions.ts";

const TIMEOUT_MS = 60_000;

let server: PostgresServer;

beforeAll(async () => {
  server = await createPostgres();
  await server.start();
}, TIMEOUT_MS);

afterAll(() => server.stop(), TIMEOUT_MS);

/** Sessions that count how often they connect, migrate and end. */
function openSessions(migrate = async (sql: Sql) => (await sql`SELECT 1`).length) {
  const counts = { connected: 0, migrated: 0, ended: 0 };
  const ends: Promise<void>[] = [];
  const sessions = createPostgresSessions({
    connect: () => {
      counts.connected += 1;
      return postgres(server.url, { max: 1, connect_timeout: 1 });
    },
    migrate: (sql) => {
      counts.migrated += 1;
      return migrate(sql);
    },
    release: (end) => {
      counts.ended += 1;
      ends.push(end);
    },
  });
  return { ...sessions, counts, ended: () => Promise.all(ends) };
}

const backend = async (sql: Sql) => (await sql`SELECT pg_backend_pid() AS pid`)[0]?.pid;

test("every operation has a connection of its own, which ends with it", async () => {
  const { run, counts, ended } = openSessions();
  const backends = [await run(backend), ...(await Promise.all([run(backend), run(backend)]))];
  expect(new Set(backends).size).toBe(3);
  expect(counts).toEqual({ connected: 3, migrated: 1, ended: 3 });
  await ended();
});

test("what a pool would share is done for each caller, and there is nothing to close", async () => {
  const { run, share, close } = openSessions();
  const ask = share(() => run(backend));
  expect(new Set(await Promise.all([ask(), ask()])).size).toBe(2);
  await close();
  expect(await ask()).toBeNumber();
});

test("the database is migrated once, after it failed", async () => {
  let failures = 0;
  const { run, migrate, counts } = openSessions(async () => {
    if (counts.migrated > 1) return 2;
    failures += 1;
    throw new TypeError("no");
  });
  await expect(run(backend)).rejects.toThrow("no");
  expect(await migrate()).toBe(2);
  expect(await migrate()).toBe(0);
  expect([failures, counts.migrated]).toEqual([1, 2]);
});

const wrong = (sql: Sql) => sql`SELECT no_such_column`;

test("a statement that does not suit the tables: if a newer release has changed them, that is the error", async () => {
  const answers = [() => 0, () => 0, refuseNewer, refuseNewer];
  const { run, inspect, counts } = openSessions(async () => answers.shift()?.() ?? 1);
  await expect(run(wrong)).rejects.toThrow('column "no_such_column" does not exist');
  for (const work of [wrong, backend]) {
    await expect(run<unknown>(work)).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringContaining("of a newer release"),
    });
  }
  expect(await inspect(backend)).toBeNumber();
  expect(counts).toEqual({ connected: 4, migrated: 4, ended: 4 });
  expect(await run(backend)).toBeNumber();
});

function refuseNewer(): never {
  throw new NewerSchemaError({ version: 9, compatibleFrom: 9 }, 8);
}

test("an operation ends at the deadline of its caller", async () => {
  const { run, counts } = openSessions();
  const late = run((sql) => sql`SELECT pg_sleep(600)`, performance.now() + 200);
  await expect(late).rejects.toMatchObject({ code: "request_timeout" });
  expect(counts).toEqual({ connected: 1, migrated: 1, ended: 1 });
});

test("what a socket says without a code is the database's fault, a defect is not", async () => {
  const { run } = openSessions();
  const failure = async (error: Error) => {
    throw error;
  };
  const lost = new Error("Network connection lost.");
  await expect(run(() => failure(lost))).rejects.toMatchObject({
    code: "store_unavailable",
    cause: lost,
  });
  const defect = new TypeError("x is not a function");
  await expect(run(() => failure(defect))).rejects.toBe(defect);
});

test(
  "a server that stops answering is given up, and found again",
  async () => {
    const { run, counts } = openSessions();
    await server.pause();
    await expect(run(backend)).rejects.toMatchObject({ code: "store_unavailable" });
    server.resume();
    expect(await run(backend)).toBeNumber();
    expect(counts.ended).toBe(2);
  },
  TIMEOUT_MS,
);
