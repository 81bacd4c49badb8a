import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MOUNTING, mayMount, mountAt } from "../../../test/mount.ts";
import type { SqliteConnection } from "../../database/sqlite.ts";
import type { SqliteWriter } from "../../database/sqlite-writer.ts";
import { openSqliteFile } from "./sqlite-file.ts";
import { createThreadWriter } from "./sqlite-writer.ts";

let directory: string;
let connection: SqliteConnection;
let writer: SqliteWriter;

function open(path: string): void {
  connection = openSqliteFile(path, "serve");
  connection.exec("CREATE TABLE numbers (number INTEGER UNIQUE, text TEXT)");
  writer = createThreadWriter(path);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "thimble-writer-"));
  open(join(directory, "numbers.db"));
});

afterEach(async () => {
  await writer.close();
  connection.close();
  rmSync(directory, { recursive: true });
});

const insertion = (number: number, text = "") => ({
  sql: "INSERT INTO numbers VALUES (?, ?) RETURNING number",
  values: [number, text],
});
const numbers = () =>
  connection
    .prepare("SELECT number FROM numbers ORDER BY rowid")
    .all()
    .map(({ number }) => number);

/** What each of these came to: its rows, or the code of its error. */
async function outcomesOf(writes: Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(writes);
  return settled.map((each) =>
    each.status === "fulfilled" ? each.value : (each.reason.code ?? each.reason.message),
  );
}

/** Has all that comes until it is called wait, as another process does that writes. */
function lock(): () => void {
  connection.exec("BEGIN IMMEDIATE");
  return () => connection.exec("COMMIT");
}

test("changes are made in their order, and each gets the rows of its own statements", async () => {
  const order: number[] = [];
  const writes = Array.from({ length: 500 }, async (_, number) => {
    const rows = await writer.write([insertion(2 * number), insertion(2 * number + 1)]);
    order.push(number);
    return rows;
  });
  const rows = await Promise.all(writes);
  expect(rows).toEqual(
    Array.from({ length: 500 }, (_, number) => [
      [{ number: 2 * number }],
      [{ number: 2 * number + 1 }],
    ]),
  );
  expect(order).toEqual(Array.from({ length: 500 }, (_, number) => number));
  expect(numbers()).toEqual(Array.from({ length: 1000 }, (_, number) => number));
});

test("a change that fails leaves nothing, and those with it are made", async () => {
  const outcomes = await outcomesOf([
    writer.write([insertion(1)]),
    writer.write([insertion(2), insertion(1)]),
    writer.write([{ sql: "no SQL", values: [] }]),
    writer.write([insertion(3)]),
  ]);
  expect(outcomes).toEqual([
    [[{ number: 1 }]],
    "UNIQUE constraint failed: numbers.number",
    'near "no": syntax error',
    [[{ number: 3 }]],
  ]);
  expect(numbers()).toEqual([1, 3]);
});

test("while another writes, changes wait; one that is not wanted any more is never made", async () => {
  const release = lock();
  let isWanted = true;
  const given = Promise.withResolvers<void>();
  const requireWanted = () => {
    if (!isWanted) throw new Error("nobody waits any more");
  };
  const refused = writer.write([insertion(2)], requireWanted).catch((error: Error) => {
    given.resolve();
    return error.message;
  });
  const waiting = writer.write([insertion(1)]);
  isWanted = false;
  await given.promise;
  expect(numbers()).toEqual([]);
  release();
  expect(await waiting).toEqual([[{ number: 1 }]]);
  expect(await refused).toBe("nobody waits any more");
  expect(numbers()).toEqual([1]);
});

test("where another does not end, changes are given up, and later ones are made", async () => {
  const release = lock();
  expect(await outcomesOf([writer.write([insertion(1)]), writer.write([insertion(2)])])).toEqual([
    "store_unavailable",
    "store_unavailable",
  ]);
  release();
  expect(await writer.write([insertion(3)])).toEqual([[{ number: 3 }]]);
  expect(numbers()).toEqual([3]);
}, 30_000);

test("closing waits for what was to be written; nothing is written afterwards", async () => {
  const writes = [1, 2, 3].map((number) => writer.write([insertion(number)]));
  await writer.close();
  expect(numbers()).toEqual([1, 2, 3]);
  expect(await outcomesOf(writes)).toHaveLength(3);
  expect(await outcomesOf([writer.write([insertion(4)])])).toEqual(["store_unavailable"]);
});

test("a file that cannot be opened fails the change, and the next one tries again", async () => {
  const missing = createThreadWriter(join(directory, "missing", "numbers.db"));
  expect(await outcomesOf([missing.write([insertion(1)])])).toEqual(["store_unavailable"]);
  mkdirSync(join(directory, "missing"));
  const created = { sql: "CREATE TABLE made (number)", values: [] };
  expect(await missing.write([created])).toEqual([[]]);
  await missing.close();
});

test("a change that cannot be sent fails, and the next one is made", async () => {
  const unsent = { sql: "SELECT ?", values: [Symbol("not to be sent") as never] };
  expect(await outcomesOf([writer.write([unsent])])).toHaveLength(1);
  expect(await writer.write([insertion(1)])).toEqual([[{ number: 1 }]]);
});

test.if(mayMount)(
  `where the disk is full, all that were to be committed fail${MOUNTING}`,
  async () => {
    await writer.close();
    connection.close();
    const small = join(directory, "small");
    mkdirSync(small);
    const unmount = mountAt(small, "size=1m");
    try {
      open(join(small, "numbers.db"));
      const large = "x".repeat(100_000);
      const writes = Array.from({ length: 20 }, (_, number) =>
        writer.write([insertion(number, large)]),
      );
      expect(new Set(await outcomesOf(writes))).toEqual(new Set(["store_unavailable"]));
      expect(numbers()).toEqual([]);
      expect(await writer.write([insertion(1)])).toEqual([[{ number: 1 }]]);
      await writer.close();
      connection.close();
    } finally {
      unmount();
      open(join(directory, "after.db"));
    }
  },
);
