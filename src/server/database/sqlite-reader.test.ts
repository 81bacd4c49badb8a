import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SqliteReader } from "../../database/sqlite-database.ts";
import { openSqliteFile } from "./sqlite-file.ts";
import { createSqliteReader } from "./sqlite-reader.ts";

let directory: string;
let path: string;
let reader: SqliteReader;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "thimble-reader-"));
  path = join(directory, "numbers.db");
  const connection = openSqliteFile(path, "serve");
  connection.exec("CREATE TABLE numbers (number INTEGER); INSERT INTO numbers VALUES (1), (2)");
  connection.close();
  reader = createSqliteReader(path);
});

afterEach(() => {
  reader.close();
  rmSync(directory, { recursive: true });
});

const ALL = { sql: "SELECT number FROM numbers", values: [] };

/** Works until it has counted so far. */
const count = (to: number) => ({
  sql: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT count(*) AS c FROM n",
  values: [to],
});

test("reads rows with the values of placeholders, text of any kind among them", async () => {
  expect(await reader.all(ALL)).toEqual([{ number: 1 }, { number: 2 }]);
  const statement = { sql: "SELECT ? AS a, ? AS b", values: ["\u0000 \u{1f600} \"'", null] };
  expect(await reader.all(statement)).toEqual([{ a: "\u0000 \u{1f600} \"'", b: null }]);
});

test("leaves the event loop free while it works", async () => {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  expect(await reader.all(count(2_000_000))).toEqual([{ c: 2_000_000 }]);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(1);
});

test("answers every statement in order, and fails only those that are wrong", async () => {
  const results = await Promise.allSettled([
    reader.all(ALL),
    reader.all({ sql: "SELECT missing FROM numbers", values: [] }),
    reader.all({ ...ALL, isKept: false }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(results[1]).toMatchObject({ reason: { message: "no such column: missing", errcode: 1 } });
});

test("writes nothing", async () => {
  const insertion = reader.all({ sql: "INSERT INTO numbers VALUES (3)", values: [] });
  await expect(insertion).rejects.toMatchObject({ errcode: 8 });
  expect(await reader.all(ALL)).toHaveLength(2);
});

test("gives up a statement at its deadline; one that waits is never run", async () => {
  const slow = reader.all(count(1_000_000));
  const late = reader.all({ sql: "SELECT * FROM missing", values: [] }, performance.now() + 1);
  await expect(late).rejects.toMatchObject({ code: "request_timeout" });
  expect(await slow).toEqual([{ c: 1_000_000 }]);
  expect(await reader.all(ALL)).toHaveLength(2);
});

test("a file that cannot be opened fails the statement, and the next one tries again", async () => {
  const missing = createSqliteReader(join(directory, "missing.db"));
  await expect(missing.all(ALL)).rejects.toThrow();
  await expect(missing.all(ALL)).rejects.toThrow();
  missing.close();
});

test("closing fails what is still to be read", async () => {
  const results = Promise.allSettled([reader.all(count(1_000_000)), reader.all(ALL)]);
  reader.close();
  expect((await results).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});
