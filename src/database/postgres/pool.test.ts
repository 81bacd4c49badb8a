import { afterAll, beforeAll, expect, test } from "bun:test";
import postgres, { type Sql } from "postgres";
import { createPostgres, type PostgresServer } from "../../../test/postgres.ts";
import { eventually } from "../../../test/service.ts";
import { createPostgresPool } from "./pool.ts";

const TIMEOUT_MS = 60_000;

let server: PostgresServer;

beforeAll(async () => {
  server = await createPostgres();
  await server.start();
}, TIMEOUT_MS);

afterAll(() => server.stop(), TIMEOUT_MS);

/** A pool that counts how often it connects and prepares. */
function openPool(connection: (made: number) => Record<string, string> = () => ({})) {
  const counts = { connected: 0, prepared: 0 };
  const pool = createPostgresPool({
    connect: () => {
      counts.connected += 1;
      return postgres(server.url, { max: 2, connection: connection(counts.connected) });
    },
    prepare: async (sql) => {
      await sql`SELECT 1`;
      counts.prepared += 1;
      return counts.prepared;
    },
  });
  return { ...pool, counts };
}

const selectOne = async (sql: Sql) => (await sql`SELECT 1 AS one`)[0]?.one;

test("the database is prepared once, by whoever comes first", async () => {
  const { run, prepare, close, counts } = openPool();
  expect(await Promise.all([run(selectOne), run(selectOne)])).toEqual([1, 1]);
  expect(await prepare()).toBe(1);
  expect(counts).toEqual({ connected: 1, prepared: 1 });
  await close();
});

test(
  "a server that stops answering is given up after the deadline, and found again",
  async () => {
    const { run, close, counts } = openPool();
    await run(selectOne);
    await server.pause();
    await expect(run(selectOne)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(counts.connected).toBe(2);
    server.resume();
    expect(await run(selectOne)).toBe(1);
    expect(counts).toEqual({ connected: 2, prepared: 2 });
    await close();
  },
  TIMEOUT_MS,
);

test("connections that may only read are renewed, and nothing is prepared again", async () => {
  const { run, close, counts } = openPool((made) => ({
    default_transaction_read_only: made === 1 ? "on" : "off",
  }));
  await run(selectOne);
  const write = (sql: Sql) => sql`CREATE TABLE written (a integer)`;
  await expect(run(write)).rejects.toMatchObject({ code: "store_unavailable" });
  await run(write);
  expect(counts).toEqual({ connected: 2, prepared: 1 });
  await close();
});

test("counts the operations that have a connection or wait for one, failed ones too", async () => {
  const { run, running, close } = openPool();
  const sleep = (sql: Sql) => sql`SELECT pg_sleep(0.05)`;
  const fail = (sql: Sql) => sql`SELECT 1 / 0`;
  expect(running()).toBe(0);
  const work = Promise.allSettled([run(sleep), run(sleep), run(sleep), run(fail)]);
  expect(running()).toBe(4);
  await work;
  expect(running()).toBe(0);
  await close();
});

test("work that is shared is done once for all who ask meanwhile, and anew for the next", async () => {
  const { share, close } = openPool();
  let times = 0;
  const work = share(async () => {
    times += 1;
    if (times === 2) throw new Error("no");
    return times;
  });
  expect(await Promise.all([work(), work(), work()])).toEqual([1, 1, 1]);
  await expect(work()).rejects.toThrow("no");
  expect(await work()).toBe(3);
  await close();
});

test("a renewed pool does not count what still runs in the last one", async () => {
  const { run, renew, running, close } = openPool();
  await run(selectOne);
  const begun = Promise.withResolvers<void>();
  const late = run((sql) => {
    const query = sql`SELECT pg_sleep(0.1)`.execute();
    begun.resolve();
    return query;
  });
  await begun.promise;
  renew();
  expect(running()).toBe(0);
  await late;
  expect(running()).toBe(0);
  await close();
});

test("a prepared pool that is renewed connects anew, and prepares nothing again", async () => {
  const { run, renew, close, counts } = openPool();
  await run(selectOne);
  renew();
  expect(await run(selectOne)).toBe(1);
  expect(counts).toEqual({ connected: 2, prepared: 1 });
  await close();
});

test("a pool that is renewed while it is prepared does not wait for what was lost", async () => {
  const { run, prepare, renew, close, counts } = openPool();
  const lost = prepare();
  renew();
  await expect(lost).rejects.toMatchObject({ code: "store_unavailable" });
  expect(await run(selectOne)).toBe(1);
  expect(counts).toEqual({ connected: 2, prepared: 1 });
  await close();
});

test("a pool that reconnects loses nothing that is under way, in a connection or waiting for one", async () => {
  const { run, reconnect, close, counts } = openPool();
  await run(selectOne);
  const resumed = Promise.withResolvers<void>();
  const inTwoSteps = run(async (sql) => {
    await sql`SELECT 1`;
    await resumed.promise;
    return selectOne(sql);
  });
  const queued = Array.from({ length: 20 }, () => run(selectOne));
  reconnect();
  reconnect();
  const after = run(selectOne);
  resumed.resolve();
  expect(await Promise.all(queued)).toEqual(queued.map(() => 1));
  expect(await Promise.all([inTwoSteps, after])).toEqual([1, 1]);
  expect(counts).toEqual({ connected: 3, prepared: 2 });
  await close();
});

test("connections that are no longer used are closed when nothing is under way on them", async () => {
  const { run, reconnect, close } = openPool();
  const pidOf = async (sql: Sql) => (await sql`SELECT pg_backend_pid() AS pid`)[0]?.pid as number;
  const pid = await run(pidOf);
  reconnect();
  await eventually("the server has closed it", async () => {
    const left = await run((sql) => sql`SELECT 1 FROM pg_stat_activity WHERE pid = ${pid}`);
    return left.length === 0 || undefined;
  });
  await close();
});

test(
  "a pool that hangs when it is replaced is given up after the deadline",
  async () => {
    const { run, reconnect, close } = openPool();
    await run(selectOne);
    await server.pause();
    const hanging = run(selectOne);
    reconnect();
    await expect(hanging).rejects.toMatchObject({ code: "store_unavailable" });
    server.resume();
    expect(await run(selectOne)).toBe(1);
    await close();
  },
  TIMEOUT_MS,
);

test("a pool that is closed undoes what prepares it", async () => {
  const sql = postgres(server.url, { max: 1 });
  const began = Promise.withResolvers<void>();
  const pool = createPostgresPool({
    connect: () => postgres(server.url, { max: 1 }),
    prepare: (connection) =>
      connection.begin("READ WRITE", async (transaction) => {
        await transaction`CREATE TABLE half_prepared (a integer)`;
        began.resolve();
        await transaction`SELECT pg_sleep(600)`;
        return 1;
      }),
  });
  const preparation = pool.prepare();
  await began.promise;
  const closed = pool.close();
  await expect(preparation).rejects.toMatchObject({ code: "store_unavailable" });
  await closed;
  expect(await sql`SELECT to_regclass('half_prepared') AS it`).toMatchObject([{ it: null }]);
  await sql.end();
});

test("a server's own error is passed on, and costs no connection", async () => {
  const { run, close, counts } = openPool();
  await expect(run((sql) => sql`SELECT 1 / 0`)).rejects.toThrow("division by zero");
  expect(counts.connected).toBe(1);
  await close();
});
