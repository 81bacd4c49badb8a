import { describe, expect, test } from "bun:test";
import { eventually } from "../../../test/service.ts";
import { useThings } from "../../../test/things.ts";
import { queryOn } from "./query.ts";

const GONE = new Error("nobody waits any more");
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const COMMENT = `/*traceparent='${TRACEPARENT}'*/`;
const OWN_TEXT = `SELECT query, $1::int AS one FROM pg_stat_activity WHERE pid = pg_backend_pid()`;

const database = useThings();

const things = async () => (await database.sql`SELECT id FROM things`).map(({ id }) => id);

/** The sessions that work on such a statement, or wait for a lock in it. */
const inProgress = (text: string) => database.admin`
  SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE ${`${text}%`}`;

const isInProgress = (text: string) =>
  eventually(
    `${text} is in progress`,
    async () => (await inProgress(text)).length > 0 || undefined,
  );

test("without a signal, and without an abort, statements do what they do", async () => {
  for (const signal of [undefined, new AbortController().signal]) {
    const query = queryOn(database.sql, { signal });
    expect([...(await query("DELETE FROM things"))]).toEqual([]);
    await query("INSERT INTO things (id) VALUES ($1), ($2)", [1, 2]);
    const rows = await query("SELECT id FROM things WHERE id > $1 ORDER BY id", [0]);
    expect([...rows]).toEqual([{ id: 1 }, { id: 2 }]);
    await expect(query("SELECT 1 / $1::int", [0])).rejects.toMatchObject({ code: "22012" });
    expect(await query("SELECT 1 AS one")).toMatchObject([{ one: 1 }]);
  }
});

describe("after an abort", () => {
  test("no statement is sent", async () => {
    const late = queryOn(database.sql, { signal: AbortSignal.abort(GONE) });
    await expect(late("INSERT INTO things VALUES ($1)", [1])).rejects.toBe(GONE);
    expect(await things()).toEqual([]);
  });

  test("a statement that waits in a queue for a connection is not sent", async () => {
    const time = new AbortController();
    const other = database.sql.begin((transaction) => transaction`SELECT pg_sleep(0.2)`);
    const query = queryOn(database.sql, { signal: time.signal });
    const late = query("INSERT INTO things VALUES ($1)", [1]);
    time.abort(GONE);
    await expect(late).rejects.toBe(GONE);
    await other;
    expect(await things()).toEqual([]);
  });

  test("a statement whose connection is still being made is not sent, and the connection is kept", async () => {
    const time = new AbortController();
    const query = queryOn(database.sql, { signal: time.signal });
    const late = query("INSERT INTO things VALUES ($1)", [1]);
    time.abort(GONE);
    await expect(late).rejects.toBe(GONE);
    expect(await things()).toEqual([]);
    expect(await queryOn(database.sql)("SELECT $1::int AS one", [1])).toMatchObject([{ one: 1 }]);
  });

  test("statements of others that wait with it for the same connection are sent", async () => {
    const time = new AbortController();
    const [busy, free] = [database.sql, queryOn(database.sql)];
    const other = busy.begin((transaction) => transaction`SELECT pg_sleep(0.2)`);
    const aborting = queryOn(database.sql, { signal: time.signal });
    const work = [
      free("SELECT $1::int AS n", [1]),
      aborting("INSERT INTO things VALUES ($1)", [1]),
      free("SELECT $1::int AS n", [2]),
      aborting("INSERT INTO things VALUES (2)"),
      free("SELECT 3 AS n"),
    ];
    time.abort(GONE);
    const results = await Promise.allSettled(work);
    await other;
    const answers = results.map((each) =>
      each.status === "fulfilled" ? each.value[0]?.n : each.reason,
    );
    expect(answers).toEqual([1, GONE, 2, GONE, 3]);
    expect(await things()).toEqual([]);
  });

  for (const [how, text, values] of [
    ["with values", "SELECT pg_sleep($1)", [600]],
    ["without", "SELECT pg_sleep(600)", []],
    ["of several", "SELECT pg_sleep(600); SELECT 1", []],
  ] as const) {
    test(`a statement in progress is cancelled on the server (${how})`, async () => {
      const time = new AbortController();
      const work = queryOn(database.sql, { signal: time.signal })(text, values);
      await isInProgress("SELECT pg_sleep(");
      time.abort(GONE);
      await expect(work).rejects.toBe(GONE);
      expect(await inProgress("SELECT pg_sleep(")).toHaveLength(0);
      expect(await things()).toEqual([]);
    });
  }

  test("a statement that was made right before is cancelled too", async () => {
    const time = new AbortController();
    await database.sql`SELECT 1`;
    const work = queryOn(database.sql, { signal: time.signal })("SELECT pg_sleep(600)");
    time.abort(GONE);
    await expect(work).rejects.toBe(GONE);
    expect(await inProgress("SELECT pg_sleep(")).toHaveLength(0);
    expect(await things()).toEqual([]);
  });

  test("the end of a statement is waited for where the server cannot be asked to cancel it", async () => {
    const time = new AbortController();
    const work = queryOn(database.sql, { signal: time.signal })("SELECT pg_sleep(0.3), 1 AS one");
    await isInProgress("SELECT pg_sleep(");
    // Where the request to cancel goes.
    (database.sql.options as { port: number[] }).port = [1];
    time.abort(GONE);
    expect(await work).toMatchObject([{ one: 1 }]);
  });
});

/** The fields of a statement that its types do not have. */
type Private = { state: unknown; canceller: (of: unknown) => Promise<void>; cancelled: unknown };

test("the driver's private `state`: without it, statements that were sent are not cancelled", async () => {
  const { sql } = database;
  await sql`SELECT 1`;
  const statement = sql.unsafe("SELECT pg_sleep(0.1)").execute();
  const driver = statement as unknown as Private;
  expect(driver.state).toBeNull();
  await isInProgress("SELECT pg_sleep(");
  expect(driver.state).not.toBeNull();
  await statement;
});

test("the driver's private `cancelled`: without it, connections that are being made are lost after an abort", async () => {
  const args: (number | undefined)[] = [1];
  const statement = database.sql.unsafe("SELECT $1::int", args as number[]).execute();
  const failure = statement.catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve));
  const driver = statement as unknown as Private;
  expect(driver.cancelled).toBeNull();
  await driver.canceller(statement);
  expect(driver.cancelled).toBe(true);
  args.push(undefined);
  driver.cancelled = null;
  expect(await failure).toMatchObject({ code: "57014" });
  expect(await things()).toEqual([]);
});

test("the driver's private `canceller`: without it, no statement is cancelled before it ends", async () => {
  const statement = database.sql.unsafe("SELECT pg_sleep(600)").execute();
  const failure = statement.catch((error: unknown) => error);
  const { canceller } = statement as unknown as Private;
  await isInProgress("SELECT pg_sleep(");
  await canceller(statement);
  expect(await failure).toMatchObject({ code: "57014" });
});

describe("a comment", () => {
  // Each test has a connection of its own, and with it no statement is prepared yet.

  /** The statements that the server keeps prepared on the one connection. */
  async function prepared(): Promise<string[]> {
    const rows = await database.sql`SELECT statement FROM pg_prepared_statements`.simple();
    return rows.map(({ statement }) => statement as string);
  }

  test("ends a statement, and the server sees it", async () => {
    const [row] = await queryOn(database.sql, { traceparent: TRACEPARENT })(OWN_TEXT, [1]);
    expect(row?.query).toBe(`${OWN_TEXT} ${COMMENT}`);
    expect(row?.one).toBe(1);
  });

  test("is in every statement of a transaction", async () => {
    await database.sql.begin(async (transaction) => {
      const query = queryOn(transaction, { traceparent: TRACEPARENT });
      await query("INSERT INTO things VALUES ($1)", [1]);
      const [row] = await query(OWN_TEXT, [2]);
      expect(row?.query).toEndWith(COMMENT);
    });
    expect(await things()).toEqual([1]);
  });

  test("keeps a statement from being kept prepared; without one it is the same text as ever, and kept", async () => {
    const [before] = await queryOn(database.sql)(OWN_TEXT, [1]);
    expect(before?.query).toBe(OWN_TEXT);
    for (let turn = 0; turn < 3; turn += 1) {
      const traceparent = TRACEPARENT.replace("b7", `b${turn}`);
      await queryOn(database.sql, { traceparent })(OWN_TEXT, [1]);
    }
    const [after] = await queryOn(database.sql)(OWN_TEXT, [1]);
    expect(after?.query).toBe(OWN_TEXT);
    expect(await prepared()).toEqual([OWN_TEXT]);
  });

  test("is not needed for a statement to be left unprepared: SQL that may not come again is neither", async () => {
    await queryOn(database.sql)(OWN_TEXT, [1], { isKept: false });
    expect(await prepared()).toEqual([]);
  });

  test("leaves an error the server's own, and the connection as good as ever", async () => {
    const query = queryOn(database.sql, { traceparent: TRACEPARENT });
    await expect(query("SELECT 1 / $1::int", [0])).rejects.toMatchObject({ code: "22012" });
    expect((await query("SELECT $1::int AS five", [5]))[0]?.five).toBe(5);
  });

  for (const [what, traceparent] of [
    ["the end of a comment", "00-*/ DROP TABLE things --"],
    ["more than a traceparent", `${TRACEPARENT}'*/; DROP TABLE things; --`],
    ["a line break", `${TRACEPARENT}\n`],
    ["upper case", TRACEPARENT.toUpperCase()],
    ["nothing", ""],
    ["what is not there", undefined],
  ] as const) {
    test(`is never made of ${what}`, async () => {
      const [row] = await queryOn(database.sql, { traceparent })(OWN_TEXT, [1]);
      expect(row?.query).toBe(OWN_TEXT);
      expect(await things()).toEqual([]);
    });
  }
});
