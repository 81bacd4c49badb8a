import { afterAll, beforeAll, expect, test } from "bun:test";
import postgres, { type Sql } from "postgres";
import { type FreshDatabase, freshDatabase } from "../../../test/postgres.ts";
import { commented } from "./sql-comment.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const COMMENT = `/*traceparent='${TRACEPARENT}'*/`;
const TIMEOUT_MS = 60_000;

let database: FreshDatabase;
let sql: Sql;

beforeAll(async () => {
  database = await freshDatabase();
  sql = postgres(database.url, { max: 1 });
  await sql`CREATE TABLE things (id integer, name text)`;
}, TIMEOUT_MS);

afterAll(async () => {
  await sql.end();
  await database.drop();
}, TIMEOUT_MS);

/** What the server says it works on, asked by the statement itself. */
const ownText = (client: Sql) =>
  client`SELECT query, ${1}::int AS one FROM pg_stat_activity WHERE pid = pg_backend_pid()`;

/** The statements that the server keeps prepared on the one connection. */
async function prepared(): Promise<string[]> {
  const rows = await sql.unsafe("SELECT statement FROM pg_prepared_statements");
  return rows.map(({ statement }) => statement as string);
}

test("a statement ends in the comment, and the server sees it", async () => {
  const [row] = await ownText(commented(sql, TRACEPARENT));
  expect(row?.query).toEndWith(` ${COMMENT}`);
  expect(row?.one).toBe(1);
});

test("a statement without one is the same text as ever, and stays prepared", async () => {
  const [before] = await ownText(sql);
  expect(before?.query).not.toContain("/*");
  for (let turn = 0; turn < 3; turn += 1) {
    await ownText(commented(sql, TRACEPARENT.replace("b7", `b${turn}`)));
  }
  const [after] = await ownText(sql);
  expect(after?.query).toBe(before?.query);
  const kept = await prepared();
  expect(kept).toContain(before?.query);
  expect(kept.join()).not.toContain("traceparent");
});

test("parts of a statement have none of their own", async () => {
  const client = commented(sql, TRACEPARENT);
  const columns = client`query, ${2}::int AS two`;
  const where = client`WHERE pid = pg_backend_pid() AND ${3}::int = 3`;
  const [row] = await client`SELECT ${columns}, ${4}::int AS four FROM pg_stat_activity ${where}`;
  expect(row).toMatchObject({ two: 2, four: 4 });
  expect(row?.query.split(COMMENT)).toHaveLength(2);
});

test("the statements of a transaction have it too", async () => {
  const rows = await commented(sql, TRACEPARENT).begin("READ WRITE", async (transaction) => {
    await transaction`INSERT INTO things (id, name) VALUES (${1}, ${"a"})`;
    return transaction`SELECT query, (SELECT count(*)::int FROM things) AS things
      FROM pg_stat_activity WHERE pid = pg_backend_pid()`;
  });
  expect(rows[0]).toMatchObject({ query: expect.stringContaining(COMMENT), things: 1 });
});

test("an error in one is the server's own, and leaves the connection as good as ever", async () => {
  const client = commented(sql, TRACEPARENT);
  await expect(client`SELECT 1 / ${0}::int`.execute()).rejects.toMatchObject({ code: "22012" });
  expect((await client`SELECT ${5}::int AS five`)[0]?.five).toBe(5);
});

for (const [what, traceparent] of [
  ["the end of a comment", "00-*/ DROP TABLE things --"],
  ["more than a traceparent", `${TRACEPARENT}'*/; DROP TABLE things; --`],
  ["a line break", `${TRACEPARENT}\n`],
  ["upper case", TRACEPARENT.toUpperCase()],
  ["nothing", ""],
] as const) {
  test(`there is no comment of ${what}`, async () => {
    const [row] = await ownText(commented(sql, traceparent));
    expect(row?.query).not.toContain("/*");
    expect((await sql`SELECT count(*)::int AS count FROM things`)[0]?.count).toBe(1);
  });
}
