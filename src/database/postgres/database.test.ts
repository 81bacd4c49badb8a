import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import postgres from "postgres";
import { freshDatabase } from "../../../test/postgres.ts";
import { eventually } from "../../../test/service.ts";
import { useThings } from "../../../test/things.ts";
import { openPostgresDatabase } from "../../server/database/postgres.ts";
import type { Query } from "../postgres.ts";
import { createPostgresDatabase } from "./database.ts";
import { readPostgresSchema } from "./migrate.ts";
import type { PostgresConnections } from "./pool.ts";
import { runInTime } from "./time-limits.ts";

// On a busy machine, PostgreSQL takes its time to start.
setDefaultTimeout(60_000);

const GONE = new Error("nobody waits any more");
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const connections = useThings();

const things = async () =>
  (await connections.admin`SELECT id FROM things ORDER BY id`).map(({ id }) => id);

const inProgress = (text: string) => connections.admin`
  SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE ${`${text}%`}`;

/** A database whose operations end when `time` says so, not by the clock. */
function openThings(time = new AbortController(), traceparent?: () => string) {
  const { signal } = time;
  const begin = () => signal.throwIfAborted();
  const run: PostgresConnections["run"] = (work) =>
    work(connections.sql, { signal, beginCommit: begin, beginChange: begin });
  const open = (): PostgresConnections => ({
    run,
    runUrgent: run,
    inspect: (work) => work(connections.sql),
    share: (work) => work,
    migrate: async () => 0,
    close: async () => {},
  });
  return createPostgresDatabase({ open, traceparent });
}

test("reads, and writes what takes effect together", async () => {
  const { read, write } = openThings();
  const written = await write(async (query) => {
    await query("INSERT INTO things VALUES ($1)", [1]);
    await query("INSERT INTO things VALUES ($1)", [2]);
    return "done";
  });
  expect(written).toBe("done");
  const rows = await read((query) => query("SELECT id FROM things WHERE id > $1", [1]));
  expect([...rows]).toEqual([{ id: 2 }]);
});

test("a write whose work fails leaves nothing, and passes the error on", async () => {
  const failure = new Error("no");
  const work = openThings().write(async (query) => {
    await query("INSERT INTO things VALUES ($1)", [1]);
    throw failure;
  });
  await expect(work).rejects.toBe(failure);
  expect(await things()).toEqual([]);
});

test("each statement of a write sees what others committed before it, whatever the default is", async () => {
  const { admin, sql } = connections;
  await sql`SET default_transaction_isolation = 'serializable'`;
  const [level] = await openThings().write(async (query) => {
    expect(await query("SELECT id FROM things")).toHaveLength(0);
    await admin`INSERT INTO things VALUES (7)`;
    expect(await query("SELECT id FROM things")).toHaveLength(1);
    return query("SHOW transaction_isolation");
  });
  expect(level).toEqual({ transaction_isolation: "read committed" });
});

test("every statement names the request that is in progress when its operation begins", async () => {
  let request = TRACEPARENT;
  const { read, change, write } = openThings(undefined, () => request);
  const text = "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()";
  for (const operation of [read, change, write]) {
    const [row] = await operation((query) => query(text));
    expect(row?.query).toBe(`${text} /*traceparent='${TRACEPARENT}'*/`);
  }
  request = TRACEPARENT.replace("b7", "c8");
  const [row] = await read((query) => query(text));
  expect(row?.query).toBe(`${text} /*traceparent='${request}'*/`);
});

test("an operation that is aborted before it begins sends nothing, and its work is not done", async () => {
  const time = new AbortController();
  const { read, change, write } = openThings(time);
  time.abort(GONE);
  for (const operation of [read, change, write]) {
    const work = operation((query) => query("INSERT INTO things VALUES ($1)", [1]));
    await expect(work).rejects.toBe(GONE);
  }
  expect(await things()).toEqual([]);
});

test("a write that waits for a connection when it is aborted leaves nothing", async () => {
  const time = new AbortController();
  const other = connections.sql.begin((transaction) => transaction`SELECT pg_sleep(0.2)`);
  const late = openThings(time).write((query) => query("INSERT INTO things VALUES ($1)", [1]));
  time.abort(GONE);
  await expect(late).rejects.toBe(GONE);
  await other;
  expect(await things()).toEqual([]);
});

test("a write is rolled back when it is aborted between two statements, or before its COMMIT", async () => {
  for (const last of [true, false]) {
    const time = new AbortController();
    const work = openThings(time).write(async (query) => {
      await query("INSERT INTO things VALUES ($1)", [1]);
      time.abort(GONE);
      if (!last) await query("INSERT INTO things VALUES ($1)", [2]);
    });
    await expect(work).rejects.toBe(GONE);
  }
  expect(await things()).toEqual([]);
});

for (const [how, text, values] of [
  ["with values", "SELECT pg_sleep($1)", [600]],
  ["of several", "SELECT pg_sleep(600); SELECT 1", []],
] as const) {
  test(`a write's statement in progress is cancelled, and the write rolled back (${how})`, async () => {
    const time = new AbortController();
    const work = openThings(time).write(async (query) => {
      await query("INSERT INTO things VALUES ($1)", [1]);
      await query(text, values);
    });
    await eventually("it is in progress", async () => (await inProgress(text.slice(0, 16)))[0]);
    time.abort(GONE);
    await expect(work).rejects.toBe(GONE);
    expect(await things()).toEqual([]);
    expect(await connections.sql`SELECT 1 AS one`).toMatchObject([{ one: 1 }]);
  });
}

test("a write is rolled back also where the server cannot be asked to cancel its statement", async () => {
  const time = new AbortController();
  const work = openThings(time).write(async (query) => {
    await query("INSERT INTO things VALUES ($1)", [1]);
    await query("SELECT pg_sleep(0.3)");
  });
  await eventually("it is in progress", async () => (await inProgress("SELECT pg_sleep("))[0]);
  // Where the request to cancel goes.
  (connections.sql.options as { port: number[] }).port = [1];
  time.abort(GONE);
  await expect(work).rejects.toBe(GONE);
  expect(await things()).toEqual([]);
});

test("a database without a pool has none to refresh, and tells no use of it", () => {
  const database = openThings();
  expect(database.poolUse).toBeUndefined();
  database.refresh?.();
  database.reconnect();
});

const NEWER = `CREATE TABLE schema_migrations
  AS SELECT 99 AS version, 'later'::text AS name, now() AS applied_at`;
let fresh: Awaited<ReturnType<typeof freshDatabase>>;

beforeAll(async () => {
  fresh = await freshDatabase();
});

afterAll(() => fresh.drop());

test("the server gives up a statement after 5 seconds, and knows the name of its client", async () => {
  const { read, write, close } = openPostgresDatabase(fresh.url);
  for (const operation of [read, write]) {
    await operation(async (query) => {
      expect(await query("SHOW statement_timeout")).toMatchObject([{ statement_timeout: "5s" }]);
      expect(await query("SHOW application_name")).toMatchObject([{ application_name: "thimble" }]);
      expect(await query("SHOW TimeZone")).toMatchObject([{ TimeZone: "UTC" }]);
    });
  }
  await close();
});

for (const [what, sql, says] of [
  ["with another tool's table", "CREATE TABLE schema_migrations (version bigint)", /another tool/],
  ["of a newer release", NEWER, /schema version 99/],
] as const) {
  test(`a database ${what} is refused by migrate, and is unavailable to operations`, async () => {
    const { url, drop } = await freshDatabase();
    const setup = postgres(url, { max: 1 });
    await setup.unsafe(sql);
    await setup.end();
    const database = openPostgresDatabase(url, { migrations: [] });
    await expect(database.migrate()).rejects.toThrow(says);
    await expect(database.ping()).rejects.toMatchObject({
      code: "store_unavailable",
      cause: { message: expect.stringMatching(says) },
    });
    await database.close();
    await drop();
  });
}

test("a database in another encoding than UTF8 is refused", async () => {
  const query: Query = async () => [{ encoding: "LATIN1", columns: null }];
  await expect(readPostgresSchema(query)).rejects.toThrow(/^The database has the encoding LATIN1/);
});

test("the first operation migrates, once; migrate itself tells how much it did", async () => {
  const migrations = [
    { version: 1, name: "one", compatibleFrom: 1, sql: "CREATE TABLE first (id integer)" },
  ];
  const { url, drop } = await freshDatabase();
  const migrating = openPostgresDatabase(url, { migrations });
  expect(await migrating.read((query) => query("SELECT * FROM first"))).toHaveLength(0);
  expect(await migrating.migrate()).toBe(1);
  await migrating.close();
  const again = openPostgresDatabase(url, { migrations });
  expect(await again.migrate()).toBe(0);
  await again.close();
  await drop();
});

describe("a deadline of the caller", () => {
  const MANY_MS = 600_000;
  const INSERT = "INSERT INTO things VALUES ($1)";
  let url: string;

  beforeAll(() => {
    url = connections.url();
  });

  const open = () => openPostgresDatabase(url, { poolSize: 1, migrations: [] });

  /** The statements that wait for a lock. */
  const locked = (text: string) => connections.admin`
    SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE ${`${text}%`}`;

  test("a write that waits for a lock fails at its deadline, and nothing is stored when the lock is gone", async () => {
    const database = open();
    await database.migrate();
    await connections.sql.begin(async (transaction) => {
      await transaction`LOCK TABLE things IN SHARE MODE`;
      const late = database.write((query) => query(INSERT, [1]), performance.now() + 500);
      const waiting = database.write((query) => query(INSERT, [2]), performance.now() + 400);
      await expect(waiting).rejects.toMatchObject({ code: "request_timeout" });
      await expect(late).rejects.toMatchObject({
        code: "request_timeout",
        message: "No answer was ready in time.",
      });
      await eventually("the server has stopped", async () => {
        return (await locked("INSERT")).length === 0 || undefined;
      });
    });
    await database.write((query) => query(INSERT, [3]));
    expect(await things()).toEqual([3]);
    await database.close();
  });

  test("a read in progress is cancelled on the server", async () => {
    const database = open();
    const late = database.read((query) => query("SELECT pg_sleep(600)"), performance.now() + 300);
    await expect(late).rejects.toMatchObject({ code: "request_timeout" });
    expect(await database.read((query) => query("SELECT 1 AS one"))).toMatchObject([{ one: 1 }]);
    expect(await inProgress("SELECT pg_sleep(600)")).toHaveLength(0);
    await database.close();
  });

  test("a change that is cancelled in time leaves nothing, and one that is not says what it did", async () => {
    const database = open();
    await database.migrate();
    const change = (id: number, deadline: number) =>
      database.change((query) => query(INSERT, [id]), deadline);
    await connections.sql.begin(async (transaction) => {
      await transaction`LOCK TABLE things IN SHARE MODE`;
      const late = change(1, performance.now() + 300);
      const waiting = change(2, performance.now() + 200);
      await expect(waiting).rejects.toMatchObject({ code: "request_timeout" });
      await expect(late).rejects.toMatchObject({ code: "request_timeout" });
      expect(await locked("INSERT")).toHaveLength(0);
    });
    const deaf = new Error("deaf");
    await database.change((query) => query(INSERT, [3]), performance.now() + MANY_MS);
    await expect(database.change(() => Promise.reject(deaf))).rejects.toBe(deaf);
    expect(await things()).toEqual([3]);
    await database.close();
  });

  test("a change that the server cannot be asked to cancel: its outcome is waited for, and told", async () => {
    const database = createPostgresDatabase({
      open: () => ({
        run: (work, deadline) => runInTime((time) => work(connections.sql, time), { deadline }),
        runUrgent: (work) => runInTime((time) => work(connections.sql, time)),
        inspect: (work) => work(connections.sql),
        share: (work) => work,
        migrate: async () => 0,
        close: async () => {},
      }),
    });
    await database.read((query) => query("SELECT 1"));
    const text = "INSERT INTO things SELECT 1 FROM pg_sleep(0.6)";
    const written = database.change((query) => query(text), performance.now() + 300);
    await eventually("it is in progress", async () => (await inProgress(text))[0]);
    // Where the request to cancel goes.
    (connections.sql.options as { port: number[] }).port = [1];
    expect(await written).toHaveLength(0);
    expect(await things()).toEqual([1]);
  });

  test("that is far away changes nothing: an operation gets 6 seconds", async () => {
    const database = open();
    const far = performance.now() + MANY_MS;
    await database.write((query) => query(INSERT, [1]), far);
    expect(await database.read((query) => query("SELECT id FROM things"), far)).toHaveLength(1);
    await database.close();
  });

  /** Has a COMMIT wait until the lock of this number is free. */
  async function holdCommits(lock: number) {
    const { admin } = connections;
    await admin.unsafe(`
      CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_advisory_xact_lock(${lock}); RETURN NULL;
      END $$;
      CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON things DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION hold()`);
    await connections.sql`SELECT pg_advisory_lock(${lock})`;
    return {
      release: () => connections.sql`SELECT pg_advisory_unlock(${lock})`,
      remove: () => admin.unsafe("DROP FUNCTION hold() CASCADE"),
    };
  }

  test("that comes after COMMIT was sent: its outcome is waited for, and told", async () => {
    const database = open();
    await database.migrate();
    const commits = await holdCommits(1);
    const deadline = performance.now() + 1500;
    const written = database.write((query) => query(INSERT, [1]), deadline);
    await eventually("COMMIT waits", async () => (await locked("commit"))[0]);
    await eventually("the deadline is over", () => performance.now() > deadline + 50 || undefined);
    await commits.release();
    expect(await written).toHaveLength(0);
    expect(await things()).toEqual([1]);
    await database.close();
    await commits.remove();
  });

  test("a COMMIT that is not answered within a second after it is not waited for any longer", async () => {
    const database = open();
    await database.migrate();
    const commits = await holdCommits(2);
    const late = database.write((query) => query(INSERT, [1]), performance.now() + 1000);
    await expect(late).rejects.toMatchObject({ code: "request_timeout" });
    await commits.release();
    await database.close();
    await commits.remove();
  });
});
