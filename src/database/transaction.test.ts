import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import postgres, { type Sql, type TransactionSql } from "postgres";
import { type FreshDatabase, freshDatabase } from "../../test/postgres.ts";
import { eventually } from "../../test/service.ts";
import { transact } from "./transaction.ts";

const TIMEOUT_MS = 60_000;
const MODE = "READ WRITE";

let database: FreshDatabase;
let admin: Sql;
let sql: Sql;

beforeAll(async () => {
  database = await freshDatabase();
  admin = postgres(database.url, { max: 1, onnotice: () => {} });
}, TIMEOUT_MS);

beforeEach(async () => {
  await admin`DROP TABLE IF EXISTS things`;
  await admin`CREATE TABLE things (id integer)`;
  sql = postgres(database.url, { max: 1, fetch_types: false, backoff: () => 0 });
}, TIMEOUT_MS);

afterEach(() => sql.end());

afterAll(async () => {
  await admin.end();
  await database.drop();
}, TIMEOUT_MS);

const things = async () => (await admin`SELECT id FROM things ORDER BY id`).map(({ id }) => id);

/** The server's process that a transaction is in. */
async function pidOf(transaction: TransactionSql): Promise<number> {
  const [row] = await transaction`SELECT pg_backend_pid() AS pid`;
  return row?.pid;
}

const terminate = (pid: number) => admin`SELECT pg_terminate_backend(${pid}, 10000)`;

test("a transaction is committed, or rolled back where its work fails", async () => {
  expect(
    await transact(sql, MODE, async (transaction) => {
      await transaction`INSERT INTO things VALUES (${1})`;
      return "done";
    }),
  ).toBe("done");
  const failure = new Error("no");
  const failing = transact(sql, MODE, async (transaction) => {
    await transaction`INSERT INTO things VALUES (${2})`;
    throw failure;
  });
  await expect(failing).rejects.toBe(failure);
  expect(await things()).toEqual([1]);
});

test("a connection that is lost during a statement ends the transaction, and nothing else", async () => {
  for (let time = 0; time < 3; time += 1) {
    const lost = transact(sql, MODE, async (transaction) => {
      await transaction`INSERT INTO things VALUES (${1})`;
      const pid = await pidOf(transaction);
      await Promise.all([transaction`SELECT pg_sleep(600)`, terminate(pid)]);
    });
    await expect(lost).rejects.toMatchObject({ code: expect.stringMatching(/CLOSED|57P01/) });
  }
  // The driver may tell the next user of a connection what the last one died of.
  const answered = await eventually("a statement is answered", () =>
    sql`SELECT 1 AS one`.catch(() => undefined),
  );
  expect(answered).toMatchObject([{ one: 1 }]);
  expect(await things()).toEqual([]);
});

test("a connection that is lost between two statements: the second is never sent", async () => {
  const resumed = Promise.withResolvers<void>();
  const made = Promise.withResolvers<number>();
  const lost = transact(sql, MODE, async (transaction) => {
    await transaction`INSERT INTO things VALUES (${1})`;
    made.resolve(await pidOf(transaction));
    await resumed.promise;
    await transaction`INSERT INTO things VALUES (${2})`;
  });
  const failure = lost.catch((error: unknown) => error);
  await terminate(await made.promise);
  expect(await failure).toMatchObject({ code: "CONNECTION_CLOSED" });
  await sql`INSERT INTO things VALUES (${3})`;
  resumed.resolve();
  await sql`INSERT INTO things VALUES (${4})`;
  expect(await things()).toEqual([3, 4]);
});
