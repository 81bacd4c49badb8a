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
