import { afterAll, beforeAll, expect, jest, test } from "bun:test";
import postgres, { type Sql } from "postgres";
import { createPostgres, PASSWORD, type PostgresServer } from "../../../test/postgres.ts";
import { eventually } from "../../../test/service.ts";
import { NewerSchemaError } from "../migrations/migration.ts";
import { createPostgresPool } from "./pool.ts";

const TIMEOUT_MS = 60_000;

let server: PostgresServer;

beforeAll(async () => {
  server = await createPostgres();
  await server.start();
}, TIMEOUT_MS);

afterAll(() => server.stop(), TIMEOUT_MS);

type PoolSettings = {
  size?: number;
  idleMs?: number;
  /** Settings of the connection with this number. */
  connection?: (made: number) => Record<string, string>;
  /** What the migration with this number returns: the number by default. */
  migrate?: (made: number) => number | Promise<number>;
  /** The first connection that the server refuses, by its number: none by default. */
  refusesFrom?: number;
};

/** A pool that counts how often it connects and migrates. */
function openPool({
  size = 2,
  idleMs = 60_000,
  connection = () => ({}),
  migrate = (made) => made,
  refusesFrom = Number.POSITIVE_INFINITY,
}: PoolSettings = {}) {
  const counts = { connected: 0, migrated: 0 };
  const connect = (onclose: () => void) => {
    counts.connected += 1;
    const isRefused = counts.connected >= refusesFrom;
    const settings = {
      ...{ max: 1, fetch_types: false, connection: connection(counts.connected) },
      ...(isRefused && { database: "missing" }),
    };
    return postgres(server.url, { ...settings, onclose });
  };
  const pool = createPostgresPool({
    servers: () => [{ connect, connectTimeoutMs: 3000 }],
    size,
    idleMs,
    migrate: async (sql) => {
      await sql`SELECT 1`;
      counts.migrated += 1;
      return migrate(counts.migrated);
    },
  });
  return { ...pool, counts };
}

/** The server's own connections to clients of this name. */
async function connectionsOf(name: string): Promise<number> {
  const sql = postgres(server.url, { max: 1 });
  const rows = await sql`SELECT 1 FROM pg_stat_activity WHERE application_name = ${name}`;
  await sql.end();
  return rows.length;
}

/** Work that has begun, and ends when the test says so. */
function openEnd() {
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const work = async (sql: Sql) => {
    begun.resolve();
    await ended.promise;
    return selectOne(sql);
  };
  return { work, begun: begun.promise, end: ended.resolve };
}

const selectOne = async (sql: Sql) => (await sql`SELECT 1 AS one`)[0]?.one;

test("the database is migrated once, by what comes first", async () => {
  const { run, migrate, close, counts } = openPool();
  expect(await Promise.all([run(selectOne), run(selectOne)])).toEqual([1, 1]);
  expect(await migrate()).toBe(1);
  expect(counts).toEqual({ connected: 2, migrated: 1 });
  await close();
});

test("a statement that does not suit the tables: if a newer release has changed them, that is the error", async () => {
  const { run, inspect, close, counts } = openPool({
    size: 1,
    migrate: (made) => {
      if (made < 3 || made > 6) return 0;
      throw new NewerSchemaError({ version: 9, compatibleFrom: 9 }, 8);
    },
  });
  const wrong = (sql: Sql) => sql`SELECT no_such_column`;
  await expect(run(wrong)).rejects.toThrow('column "no_such_column" does not exist');
  expect(counts).toEqual({ connected: 1, migrated: 2 });
  for (const work of [wrong, selectOne, wrong, selectOne]) {
    await expect(run<unknown>(work)).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringContaining("of a newer release"),
    });
  }
  expect(await inspect(selectOne)).toBe(1);
  expect(await run(selectOne)).toBe(1);
  expect(counts).toEqual({ connected: 1, migrated: 7 });
  await close();
});

test("a failover while the schema is looked at: what comes of that is not kept", async () => {
  const look = Promise.withResolvers<number>();
  const { run, close, counts } = openPool({ migrate: (made) => (made === 2 ? look.promise : 0) });
  await run(selectOne);
  const { work, begun, end } = openEnd();
  const readOnly = run(async (sql) => {
    await work(sql);
    await sql.unsafe("BEGIN READ ONLY; CREATE TABLE t (id integer)");
  });
  await begun;
  const wrong = run((sql) => sql`SELECT no_such_column`);
  const both = Promise.allSettled([readOnly, wrong]);
  await eventually("the schema is looked at", () => counts.migrated === 2 || undefined);
  end();
  await expect(readOnly).rejects.toMatchObject({ code: "store_unavailable" });
  look.reject(new Error("the connection is lost"));
  await both;
  expect(await run(selectOne)).toBe(1);
  await close();
});

test("connections that are idle for some time are closed, but one of each pool", async () => {
  const named = (name: string) =>
    openPool({ size: 5, idleMs: 300, connection: () => ({ application_name: name }) });
  const pools = [named("idle-1"), named("idle-2")];
  const burst = ({ run }: (typeof pools)[number]) =>
    Promise.all(Array.from({ length: 20 }, () => run((sql) => sql`SELECT pg_sleep(0.02)`)));
  await Promise.all(pools.map(burst));
  expect([await connectionsOf("idle-1"), await connectionsOf("idle-2")]).toEqual([5, 5]);
  for (const name of ["idle-1", "idle-2"]) {
    await eventually("one is left", async () => (await connectionsOf(name)) === 1 || undefined);
  }
  const endsAt = performance.now() + 700;
  await eventually("it stays", async () => {
    expect([await connectionsOf("idle-1"), await connectionsOf("idle-2")]).toEqual([1, 1]);
    return performance.now() > endsAt || undefined;
  });
  const [first, second] = pools;
  // It is the one that was used last, which goes on; others are opened again when they are needed.
  expect(await first?.run(selectOne)).toBe(1);
  expect(first?.counts.connected).toBe(5);
  await Promise.all([first, second].map((pool) => pool && burst(pool)));
  expect(first?.counts.connected).toBe(9);
  for (const { close } of pools) await close();
  expect([await connectionsOf("idle-1"), await connectionsOf("idle-2")]).toEqual([0, 0]);
});

test("a connection in use is not closed, and calls one after the other need only one", async () => {
  const name = "idle-3";
  const connection = () => ({ application_name: name });
  const { run, close, counts } = openPool({ size: 3, idleMs: 200, connection });
  const slow = openEnd();
  const busy = run(slow.work);
  await slow.begun;
  await Promise.all([run(selectOne), run(selectOne)]);
  expect(await connectionsOf(name)).toBe(3);
  await eventually("the third is closed, while there are calls", async () => {
    await run(selectOne);
    return (await connectionsOf(name)) === 2 || undefined;
  });
  slow.end();
  expect(await busy).toBe(1);
  await Promise.all([run(selectOne), run(selectOne)]);
  expect(counts.connected).toBe(3);
  await close();
});

test("fast operations are answered while a slow one is in progress, which has a connection of its own", async () => {
  const { run, use, close } = openPool();
  await run(selectOne);
  const slow = openEnd();
  const sleeping = run(slow.work);
  await slow.begun;
  expect(use()).toEqual({ size: 2, inUse: 1, waiting: 0 });
  const fast = Array.from({ length: 40 }, () => run(selectOne));
  expect(use()).toEqual({ size: 2, inUse: 2, waiting: 39 });
  expect(await Promise.all(fast)).toEqual(fast.map(() => 1));
  expect(use()).toEqual({ size: 2, inUse: 1, waiting: 0 });
  slow.end();
  await sleeping;
  expect(use()).toEqual({ size: 2, inUse: 0, waiting: 0 });
  await close();
});

test("statements of one operation never come between those of another on its connection", async () => {
  const { run, close } = openPool();
  const twice = (n: number) =>
    run(async (sql) => {
      await sql`SELECT set_config('tests.mine', ${String(n)}, false)`;
      await sql`SELECT pg_sleep(0.001)`;
      return Number((await sql`SELECT current_setting('tests.mine') AS mine`)[0]?.mine);
    });
  const numbers = Array.from({ length: 30 }, (_, index) => index);
  expect(await Promise.all(numbers.map(twice))).toEqual(numbers);
  await close();
});

test("operations get a connection in the order in which they came", async () => {
  const { run, close } = openPool({ size: 1 });
  const order: number[] = [];
  const note = (n: number) => run(async () => void order.push(n));
  await Promise.all([1, 2, 3, 4, 5].map(note));
  expect(order).toEqual([1, 2, 3, 4, 5]);
  await close();
});

test("an operation whose deadline comes while it waits for a connection is never begun", async () => {
  const { run, use, close } = openPool({ size: 1 });
  await run(selectOne);
  const slow = openEnd();
  const sleeping = run(slow.work);
  await slow.begun;
  let begun = 0;
  const begin = async () => {
    begun += 1;
  };
  const late = run(begin, performance.now() + 20);
  expect(use()).toEqual({ size: 1, inUse: 1, waiting: 1 });
  await expect(late).rejects.toMatchObject({ code: "request_timeout" });
  expect(use()).toEqual({ size: 1, inUse: 1, waiting: 0 });
  slow.end();
  await sleeping;
  expect(await run(selectOne)).toBe(1);
  expect(begun).toBe(0);
  await close();
});

test("an operation whose deadline has passed is not begun at all", async () => {
  const { run, close, counts } = openPool();
  const late = run(selectOne, performance.now() - 1);
  await expect(late).rejects.toMatchObject({ code: "request_timeout" });
  expect(counts).toEqual({ connected: 0, migrated: 0 });
  await close();
});

test("a connection on which an operation does not end after its deadline is replaced", async () => {
  const { run, use, close, counts } = openPool({ size: 1 });
  await run(selectOne);
  const endless = run(() => new Promise<never>(() => {}), performance.now() + 10);
  await expect(endless).rejects.toMatchObject({ code: "request_timeout" });
  expect(use().inUse).toBe(1);
  expect(await run(selectOne)).toBe(1);
  expect(counts).toEqual({ connected: 2, migrated: 1 });
  await close();
});

test("a server that refuses one more connection has operations wait for those that there are", async () => {
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  await admin.unsafe("DROP ROLE IF EXISTS lonely");
  await admin.unsafe(`CREATE ROLE lonely LOGIN PASSWORD '${PASSWORD}' CONNECTION LIMIT 1`);
  const url = new URL(server.url);
  url.username = "lonely";
  const pool = createPostgresPool({
    servers: () => [
      {
        connect: (onclose) => postgres(url.href, { max: 1, fetch_types: false, onclose }),
        connectTimeoutMs: 3000,
      },
    ],
    size: 3,
    migrate: async () => 0,
  });
  const many = Array.from({ length: 10 }, () => pool.run(selectOne));
  expect(await Promise.all(many)).toEqual(many.map(() => 1));
  await pool.close();
  await admin.end();
});

/** The pool's two connections, held until the test ends them. */
async function holdAll({ run }: ReturnType<typeof openPool>) {
  await run(selectOne);
  const works = [openEnd(), openEnd()];
  const held = works.map(({ work }) => run(work));
  await Promise.all(works.map(({ begun }) => begun));
  return { end: works.map(({ end }) => end), held };
}

test("urgent work waits for no other, and the connection that it may need stays the only one more", async () => {
  const pool = openPool();
  const { run, runUrgent, use, counts } = pool;
  const { end, held } = await holdAll(pool);
  let begun = 0;
  const ordinary = run(async () => {
    begun += 1;
  });
  expect(await Promise.all([runUrgent(selectOne), runUrgent(selectOne)])).toEqual([1, 1]);
  expect(await runUrgent(selectOne)).toBe(1);
  expect(counts.connected).toBe(3);
  expect(begun).toBe(0);
  expect(use()).toEqual({ size: 2, inUse: 2, waiting: 1 });
  end[0]?.();
  await ordinary;
  end[1]?.();
  await Promise.all(held);
  expect(await Promise.all([1, 2, 3].map(() => run(selectOne)))).toEqual([1, 1, 1]);
  expect(counts.connected).toBe(3);
  expect(use()).toEqual({ size: 2, inUse: 0, waiting: 0 });
  await pool.close();
});

test("urgent work comes first where the server refuses one connection more", async () => {
  const pool = openPool({ refusesFrom: 3 });
  const { end, held } = await holdAll(pool);
  const order: string[] = [];
  const note = (name: string) => async () => void order.push(name);
  const works = [pool.run(note("ordinary")), pool.runUrgent(note("urgent"))];
  await eventually("it is refused", () => pool.counts.connected > 2 || undefined);
  expect(order).toEqual([]);
  end[0]?.();
  await Promise.all(works);
  expect(order).toEqual(["urgent", "ordinary"]);
  end[1]?.();
  await Promise.all(held);
  await pool.close();
});

test("a connection that the server has ended is replaced without an error", async () => {
  const { run, close, counts } = openPool({ size: 1 });
  const admin = postgres(server.url, { max: 1 });
  const pid = await run(async (sql) => (await sql`SELECT pg_backend_pid() AS pid`)[0]?.pid);
  await admin`SELECT pg_terminate_backend(${pid}, 10000)`;
  await eventually("it is answered", () => run(selectOne).catch(() => undefined));
  expect(counts).toEqual({ connected: 2, migrated: 1 });
  await close();
  await admin.end();
});

test(
  "a server that stops answering is replaced after the deadline, and found again",
  async () => {
    const { run, close, counts } = openPool();
    await run(selectOne);
    await server.pause();
    await expect(run(selectOne)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(counts).toEqual({ connected: 1, migrated: 1 });
    server.resume();
    expect(await run(selectOne)).toBe(1);
    expect(counts).toEqual({ connected: 2, migrated: 2 });
    await close();
  },
  TIMEOUT_MS,
);

test("connections that may only read are refreshed, and nothing is migrated again", async () => {
  const { run, close, counts } = openPool({
    connection: (made) => ({ default_transaction_read_only: made === 1 ? "on" : "off" }),
  });
  await run(selectOne);
  const write = (sql: Sql) => sql`CREATE TABLE written (a integer)`;
  await expect(run(write)).rejects.toMatchObject({ code: "store_unavailable" });
  await run(write);
  expect(counts).toEqual({ connected: 2, migrated: 1 });
  await close();
});

test("counts the operations that have a connection or wait for one, failed ones too", async () => {
  const { run, use, migrate, close } = openPool();
  await migrate();
  const sleep = (sql: Sql) => sql`SELECT pg_sleep(0.05)`;
  const fail = (sql: Sql) => sql`SELECT 1 / 0`;
  expect(use()).toEqual({ size: 2, inUse: 0, waiting: 0 });
  const work = Promise.allSettled([run(sleep), run(sleep), run(sleep), run(fail)]);
  expect(use()).toEqual({ size: 2, inUse: 2, waiting: 2 });
  await work;
  expect(use()).toEqual({ size: 2, inUse: 0, waiting: 0 });
  await close();
});

test("work that is shared is done once for all calls that come in the meantime, and again for the next", async () => {
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

test("a refreshed pool does not count what still runs in the last one", async () => {
  const { run, refresh, use, close } = openPool();
  await run(selectOne);
  const slow = openEnd();
  const late = run(slow.work);
  await slow.begun;
  refresh();
  expect(use().inUse).toBe(0);
  slow.end();
  expect(await late).toBe(1);
  expect(use().inUse).toBe(0);
  await close();
});

test("a migrated pool that is refreshed connects again, and migrates nothing again", async () => {
  const { run, refresh, close, counts } = openPool();
  await run(selectOne);
  refresh();
  expect(await run(selectOne)).toBe(1);
  expect(counts).toEqual({ connected: 2, migrated: 1 });
  await close();
});

test("a pool that is refreshed while it is migrated does not wait for what was lost", async () => {
  const { run, migrate, refresh, close, counts } = openPool();
  const lost = migrate();
  refresh();
  await expect(lost).rejects.toMatchObject({ code: "store_unavailable" });
  expect(await run(selectOne)).toBe(1);
  expect(counts).toEqual({ connected: 2, migrated: 1 });
  await close();
});

test("a pool that reconnects loses nothing that is in flight, in a connection or waiting for one", async () => {
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
  expect(counts.migrated).toBe(2);
  await close();
});

test("connections that are no longer used are closed when nothing is in flight on them", async () => {
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
  "a pool that hangs when it reconnects is given up after the deadline",
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

test("a pool that is closed undoes the migration in progress", async () => {
  const sql = postgres(server.url, { max: 1 });
  const began = Promise.withResolvers<void>();
  const pool = createPostgresPool({
    servers: () => [{ connect: () => postgres(server.url, { max: 1 }), connectTimeoutMs: 3000 }],
    size: 1,
    migrate: (connection) =>
      connection.begin("READ WRITE", async (transaction) => {
        await transaction`CREATE TABLE half_migrated (a integer)`;
        began.resolve();
        await transaction`SELECT pg_sleep(600)`;
        return 1;
      }),
  });
  const preparation = pool.migrate();
  await began.promise;
  const closed = pool.close();
  await expect(preparation).rejects.toMatchObject({ code: "store_unavailable" });
  await closed;
  expect(await sql`SELECT to_regclass('half_migrated') AS it`).toMatchObject([{ it: null }]);
  await sql.end();
});

test("a server's own error is passed on, and costs no connection", async () => {
  const { run, close, counts } = openPool();
  await expect(run((sql) => sql`SELECT 1 / 0`)).rejects.toThrow("division by zero");
  expect(counts.connected).toBe(1);
  await close();
});

/** A pool whose server answers nothing, or what `answer` does, on a clock that the test moves. */
async function withClock(use: (pool: ReturnType<typeof openSilentPool>) => Promise<void>) {
  jest.useFakeTimers();
  try {
    await use(openSilentPool());
  } finally {
    jest.useRealTimers();
  }
}

function openSilentPool() {
  const counts = { connected: 0, migrated: 0 };
  const migration = Promise.withResolvers<void>();
  const connect = () => {
    counts.connected += 1;
    return { unsafe: async () => [], end: async () => {} } as unknown as Sql;
  };
  const pool = createPostgresPool({
    servers: () => [{ connect, connectTimeoutMs: 3000 }],
    size: 2,
    migrate: async () => {
      counts.migrated += 1;
      await migration.promise;
      return 1;
    },
  });
  return { ...pool, counts, finishMigration: migration.resolve };
}

/** Lets everything happen that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

const forever = () => new Promise<never>(() => {});

/** What has become of a promise so far. */
function stateOf(work: Promise<unknown>): { state: string } {
  const result = { state: "pending" };
  work.then(
    () => Object.assign(result, { state: "done" }),
    (error: { cause?: Error }) => Object.assign(result, { state: String(error.cause?.message) }),
  );
  return result;
}

test("an operation gets 6 seconds, and the pool is replaced if nothing else was answered in that time", async () => {
  await withClock(async ({ run, migrate, finishMigration, counts }) => {
    finishMigration();
    await migrate();
    const first = stateOf(run(forever));
    await settle();
    jest.advanceTimersByTime(5999);
    await settle();
    expect(first.state).toBe("pending");
    jest.advanceTimersByTime(1);
    await settle();
    expect(first.state).toBe("No answer within 6000 ms");
    expect(await run(async () => 1)).toBe(1);
    expect(counts).toEqual({ connected: 2, migrated: 2 });
  });
});

test("a pool is not replaced where another operation was answered in that time", async () => {
  await withClock(async ({ run, migrate, finishMigration, counts }) => {
    finishMigration();
    await migrate();
    const slow = stateOf(run(forever));
    await settle();
    jest.advanceTimersByTime(5000);
    await run(async () => 1);
    jest.advanceTimersByTime(1000);
    await settle();
    expect(slow.state).toBe("No answer within 6000 ms");
    expect(await run(async () => 1)).toBe(1);
    expect(counts).toEqual({ connected: 2, migrated: 1 });
  });
});

test("a migration may take any time: what waits for it misses its deadline, and the pool stays", async () => {
  await withClock(async ({ run, migrate, finishMigration, counts }) => {
    const migration = migrate();
    const early = stateOf(run(async () => 1));
    await settle();
    jest.advanceTimersByTime(60_000);
    await settle();
    expect(early.state).toBe("No answer within 6000 ms");
    finishMigration();
    expect(await migration).toBe(1);
    expect(await run(async () => 2)).toBe(2);
    expect(counts).toEqual({ connected: 1, migrated: 1 });
  });
});
