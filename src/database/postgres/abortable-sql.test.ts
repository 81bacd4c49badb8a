import { expect, test } from "bun:test";
import type { Sql } from "postgres";
import { eventually } from "../../../test/service.ts";
import { useThings } from "../../../test/things.ts";
import { abortable } from "./abortable-sql.ts";

const GONE = new Error("nobody waits any more");
const MODE = "ISOLATION LEVEL READ COMMITTED";
const database = useThings();

const things = async () => (await database.sql`SELECT id FROM things`).map(({ id }) => id);

/** Resolves when a session works on such a statement, or waits for a lock in it. */
const isUnderWay = (query: string) =>
  eventually(`${query} is under way`, async () => {
    const found = await database.admin`
      SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE ${`${query}%`}`;
    return found.length > 0 || undefined;
  });

test("without an abort, statements and transactions do what they do", async () => {
  const client = abortable(database.sql, new AbortController().signal);
  const result = await client.begin(MODE, async (transaction) => {
    const id = transaction`id`;
    await transaction`INSERT INTO things (${id}) VALUES (${1})`;
    return transaction`SELECT ${id} FROM things`;
  });
  expect([...result]).toEqual([{ id: 1 }]);
  expect(await client`SELECT ${client`id`} FROM things WHERE id = ${1}`).toHaveLength(1);
});

test("a statement that waits for a connection behind another is not sent after an abort", async () => {
  const time = new AbortController();
  const other = database.sql.begin((transaction) => transaction`SELECT pg_sleep(0.2)`);
  const late = abortable(database.sql, time.signal)`INSERT INTO things VALUES (${1})`.execute();
  time.abort(GONE);
  await expect(late).rejects.toBe(GONE);
  await other;
  expect(await things()).toEqual([]);
});

test("a statement whose connection is still being made is not sent, and the connection is kept", async () => {
  const time = new AbortController();
  const late = abortable(database.sql, time.signal)`INSERT INTO things VALUES (${1})`.execute();
  time.abort(GONE);
  await expect(late).rejects.toBe(GONE);
  expect(await things()).toEqual([]);
});

test("a transaction that waits for a connection never begins its work", async () => {
  const time = new AbortController();
  let begun = false;
  const late = abortable(database.sql, time.signal).begin(MODE, () => {
    begun = true;
  });
  time.abort(GONE);
  await expect(late).rejects.toBe(GONE);
  expect(begun).toBe(false);
});

test("a transaction is rolled back between two statements, and at its end", async () => {
  for (const last of [true, false]) {
    const time = new AbortController();
    const work = abortable(database.sql, time.signal).begin(MODE, async (transaction) => {
      await transaction`INSERT INTO things VALUES (${1})`;
      time.abort(GONE);
      if (!last) await transaction`INSERT INTO things VALUES (${2})`;
    });
    await expect(work).rejects.toBe(GONE);
  }
  expect(await things()).toEqual([]);
});

for (const [how, sleep] of [
  ["with parameters", (client: Sql) => client`SELECT pg_sleep(${600})`],
  ["of several", (client: Sql) => client.unsafe("SELECT pg_sleep(600); SELECT 1")],
] as const) {
  test(`a transaction's statement under way is cancelled (${how})`, async () => {
    const time = new AbortController();
    const work = abortable(database.sql, time.signal).begin(MODE, async (transaction) => {
      await transaction`INSERT INTO things VALUES (${1})`;
      await sleep(transaction as unknown as Sql);
    });
    await isUnderWay("SELECT pg_sleep(");
    time.abort(GONE);
    await expect(work).rejects.toMatchObject({ code: "57014" });
    expect(await things()).toEqual([]);
  });
}

test("a transaction's statement that was made right before the abort is cancelled too", async () => {
  const time = new AbortController();
  const work = abortable(database.sql, time.signal).begin(MODE, async (transaction) => {
    await transaction`SELECT 1`;
    const query = transaction`SELECT pg_sleep(600)`;
    time.abort(GONE);
    await query;
  });
  await expect(work).rejects.toMatchObject({ code: "57014" });
});

test("where the server cannot be asked to cancel, the statement's own end is waited for", async () => {
  const time = new AbortController();
  const work = abortable(database.sql, time.signal).begin(MODE, async (transaction) => {
    await transaction`INSERT INTO things VALUES (${1})`;
    await transaction`SELECT pg_sleep(0.3)`;
  });
  await isUnderWay("SELECT pg_sleep(");
  // Where the request to cancel goes.
  (database.sql.options as { port: number[] }).port = [1];
  time.abort(GONE);
  await expect(work).rejects.toBe(GONE);
  expect(await database.admin`SELECT id FROM things`).toHaveLength(0);
});
