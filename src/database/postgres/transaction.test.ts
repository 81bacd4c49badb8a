import { expect, test } from "bun:test";
import type { TransactionSql } from "postgres";
import { eventually } from "../../../test/service.ts";
import { useThings } from "../../../test/things.ts";
import { isConnectionCode } from "./errors.ts";
import { transact } from "./transaction.ts";

const MODE = "READ WRITE";
const database = useThings({ backoff: () => 0 });

const things = async () =>
  (await database.admin`SELECT id FROM things ORDER BY id`).map(({ id }) => id);

/** The server's process that a transaction is in. */
async function pidOf(transaction: TransactionSql): Promise<number> {
  const [row] = await transaction`SELECT pg_backend_pid() AS pid`;
  return row?.pid;
}

/** What the server says to those that are to end. */
const ADMIN_SHUTDOWN = "57P01";

/** The code of the error that work fails with. */
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error: { code?: unknown }) => String(error.code),
  );

const terminate = (pid: number) => database.admin`SELECT pg_terminate_backend(${pid}, 10000)`;

test("a transaction is committed, or rolled back where its work fails", async () => {
  expect(
    await transact(database.sql, MODE, async (transaction) => {
      await transaction`INSERT INTO things VALUES (${1})`;
      return "done";
    }),
  ).toBe("done");
  const failure = new Error("no");
  const failing = transact(database.sql, MODE, async (transaction) => {
    await transaction`INSERT INTO things VALUES (${2})`;
    throw failure;
  });
  await expect(failing).rejects.toBe(failure);
  expect(await things()).toEqual([1]);
});

test("a connection that is lost during a statement ends the transaction, and nothing else", async () => {
  for (let time = 0; time < 3; time += 1) {
    const lost = transact(database.sql, MODE, async (transaction) => {
      await transaction`INSERT INTO things VALUES (${1})`;
      const pid = await pidOf(transaction);
      await Promise.all([transaction`SELECT pg_sleep(600)`, terminate(pid)]);
    });
    expect(await codeOf(lost)).toSatisfy(
      (code) => code === ADMIN_SHUTDOWN || isConnectionCode(code),
    );
  }
  // The driver may tell the next user of a connection what the last one died of.
  const answered = await eventually("a statement is answered", () =>
    database.sql`SELECT 1 AS one`.catch(() => undefined),
  );
  expect(answered).toMatchObject([{ one: 1 }]);
  expect(await things()).toEqual([]);
});

test("a connection that is lost between two statements: the second is never sent", async () => {
  const resumed = Promise.withResolvers<void>();
  const made = Promise.withResolvers<number>();
  const lost = transact(database.sql, MODE, async (transaction) => {
    await transaction`INSERT INTO things VALUES (${1})`;
    made.resolve(await pidOf(transaction));
    await resumed.promise;
    await transaction`INSERT INTO things VALUES (${2})`;
  });
  const failure = codeOf(lost);
  await terminate(await made.promise);
  // The driver's word for it or the system's: they race.
  expect(await failure).toSatisfy(isConnectionCode);
  await database.sql`INSERT INTO things VALUES (${3})`;
  resumed.resolve();
  await database.sql`INSERT INTO things VALUES (${4})`;
  expect(await things()).toEqual([3, 4]);
});
