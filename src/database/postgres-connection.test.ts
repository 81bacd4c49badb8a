import { expect, spyOn, test } from "bun:test";
import postgres from "postgres";
import { freshDatabase } from "../../test/postgres.ts";
import { CONNECTION_OPTIONS } from "./postgres-connection.ts";

test("the server's notices do not get among the log's lines", async () => {
  const { url, drop } = await freshDatabase();
  const sql = postgres(url, { ...CONNECTION_OPTIONS, max: 1 });
  const print = spyOn(console, "log").mockImplementation(() => {});
  try {
    await sql.unsafe("DO $$ BEGIN RAISE NOTICE 'between the lines'; END $$");
    expect(print).not.toHaveBeenCalled();
  } finally {
    print.mockRestore();
    await sql.end();
    await drop();
  }
}, 60_000);

test("times of the years 1 to 9999 are read as they are, whatever the server's time zone", async () => {
  const { url, drop } = await freshDatabase();
  const setup = postgres(url, { max: 1 });
  await setup.unsafe(
    `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET TimeZone = 'America/New_York'`,
  );
  await setup.end();
  const sql = postgres(url, { ...CONNECTION_OPTIONS, max: 1 });
  try {
    for (const time of [
      "0001-01-01T00:00:00.000Z",
      "0099-12-31T23:59:59.999Z",
      "1850-06-01T12:00:00.000Z",
      "9999-12-31T23:59:59.999Z",
    ]) {
      const [row] = await sql`SELECT ${time}::text::timestamptz AS text, ${new Date(time)} AS date`;
      expect([row?.text, row?.date]).toEqual([new Date(time), new Date(time)]);
    }
  } finally {
    await sql.end();
    await drop();
  }
}, 60_000);
