import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { connect as connectTo, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { pem } from "../../../test/certificate.ts";
import { RESOURCES } from "../../../test/example/service.ts";
import { createPostgres, freshDatabase, type PostgresServer } from "../../../test/postgres.ts";
import { eventually, newDirectory } from "../../../test/service.ts";
import { openPostgresDatabase } from "../../server/database/postgres.ts";
import { connectForTransfer } from "../../transfer/postgres.ts";
import { connectionOptions } from "./connection.ts";

test("the server's notices do not get among the log's lines", async () => {
  const { url, drop } = await freshDatabase();
  const sql = postgres(url, { ...connectionOptions(url), max: 1 });
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
  const sql = postgres(url, { ...connectionOptions(url), max: 1 });
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

test("numbers, bytes and texts are exact, whatever the settings of the database are", async () => {
  const { url, drop } = await freshDatabase();
  const name = new URL(url).pathname.slice(1);
  const setup = postgres(url, { max: 1 });
  for (const setting of [
    "extra_float_digits = -15",
    "bytea_output = 'escape'",
    "standard_conforming_strings = off",
    "array_nulls = off",
    "IntervalStyle = 'sql_standard'",
    "DateStyle = 'SQL, DMY'",
  ]) {
    await setup.unsafe(`ALTER DATABASE ${name} SET ${setting}`);
  }
  await setup.end();
  const sql = postgres({ ...connectionOptions(url), max: 1 });
  const [row] =
    await sql.unsafe(`SELECT 0.1::float8 + 0.2::float8 AS number, '\\x00ff'::bytea AS bytes,
    'a\\n' AS text, '{NULL}'::text[] = ARRAY[NULL]::text[] AS is_null,
    interval '1 day' AS time, date '0001-02-03' AS day`);
  expect({ ...row }).toEqual({
    number: 0.1 + 0.2,
    bytes: Buffer.from([0, 255]),
    text: "a\\n",
    is_null: true,
    time: "1 day",
    day: new Date("0001-02-03"),
  });
  await sql.end();
  await drop();
}, 60_000);

test("a database is reached by a Unix socket, in each spelling", async () => {
  const { url, drop } = await freshDatabase();
  const { hostname, port, pathname, username, password } = new URL(url);
  const directory = newDirectory();
  const gate = createServer((socket) => {
    const onward = connectTo(Number(port), hostname);
    socket.pipe(onward).pipe(socket);
    socket.on("error", () => onward.destroy());
    onward.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => gate.listen(`${directory}/.s.PGSQL.6543`, resolve));
  const user = `${username}:${password}`;
  for (const there of [
    `postgres://${user}@${encodeURIComponent(directory)}:6543${pathname}`,
    `postgres://${user}@${pathname}?host=${directory}&port=6543`,
    `postgres://:6543${pathname}?host=${directory}&user=${username}&password=${password}`,
    // As with libpq, TLS is never used there.
    `postgres://${user}@${pathname}?host=${directory}&port=6543&sslmode=verify-full`,
  ]) {
    const database = openPostgresDatabase(there, { poolSize: 1 });
    expect(await database.read((query) => query("SELECT 1 AS one"))).toMatchObject([{ one: 1 }]);
    await database.close();
  }
  gate.close();
  await drop();
}, 60_000);

describe("a certificate", () => {
  const BY_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";
  const BY_CA = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
  let server: PostgresServer;

  beforeAll(async () => {
    server = await createPostgres();
    await server.start();
    await server.setCertificate("elsewhere");
    await eventually("it is used", async () => {
      return (await outcomeOf("?sslmode=require")) === "encrypted" || undefined;
    });
  }, 60_000);

  afterAll(() => server.stop());

  /** Whether a connection is encrypted, or the code of the error. */
  async function outcomeOf(parameters: string, ca?: string): Promise<unknown> {
    const sql = postgres({ ...connectionOptions(server.url + parameters, { ca }), max: 1 });
    try {
      const [row] = await sql`SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`;
      return row?.ssl ? "encrypted" : "plain";
    } catch (error) {
      return (error as { code?: unknown }).code;
    } finally {
      await sql.end({ timeout: 0 });
    }
  }

  // Of a known CA, for another name; and of a CA that is not known.
  for (const [parameters, known, unknown] of [
    ["", BY_NAME, BY_CA],
    ["?sslmode=require", BY_NAME, BY_CA],
    ["?sslmode=verify-ca", "encrypted", BY_CA],
    ["?sslmode=verify-full", BY_NAME, BY_CA],
    ["?sslmode=verify-full&sslnegotiation=direct", BY_NAME, BY_CA],
  ] as const) {
    test(`is verified with a CA and ${parameters || "no sslmode"}`, async () => {
      expect(await outcomeOf(parameters, pem("authority.crt"))).toBe(known);
      expect(await outcomeOf(parameters, pem("second.crt"))).toBe(unknown);
    });
  }

  test("is verified by the file that the URL names, also without a configuration", async () => {
    const path = join(newDirectory(), "ca.pem");
    const url = `${server.url}?sslmode=verify-ca&sslrootcert=${path}`;
    const database = openPostgresDatabase(url, { migrations: [] });
    const isReached = () => database.read((query) => query("SELECT 1 AS one"));
    await expect(isReached()).rejects.toMatchObject({
      code: "store_unavailable",
      cause: { code: "ENOENT" },
    });
    writeFileSync(path, pem("authority.crt"));
    expect(await isReached()).toMatchObject([{ one: 1 }]);
    await database.close();
  });

  for (const [parameters, outcome] of [
    ["", "plain"],
    ["?sslmode=disable", "plain"],
    ["?sslmode=prefer", "encrypted"],
    ["?sslmode=require", "encrypted"],
    ["?sslmode=require&keepalives=0", "encrypted"],
    ["?sslmode=verify-ca", BY_CA],
    ["?sslmode=verify-full", BY_CA],
    ["?sslrootcert=system", BY_CA],
  ] as const) {
    test(`without a CA and with ${parameters || "no sslmode"}: ${outcome}`, async () => {
      expect(await outcomeOf(parameters)).toBe(outcome);
    });
  }
});

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

test.if(hasIpv6)(
  "a database is reached by its IPv6 address, by whatever connects to it",
  async () => {
    const { url, drop } = await freshDatabase();
    const { hostname, port } = new URL(url);
    const gate = createServer((socket) => {
      const onward = connectTo(Number(port), hostname);
      socket.pipe(onward).pipe(socket);
      socket.on("error", () => onward.destroy());
      onward.on("error", () => socket.destroy());
    });
    await new Promise<void>((resolve) => gate.listen(0, "::1", resolve));
    const there = new URL(url);
    there.host = `[::1]:${(gate.address() as { port: number }).port}`;
    const database = openPostgresDatabase(there.href);
    const options = { resources: RESOURCES, clock: Date.now };
    const transfer = await connectForTransfer({ url: there.href }, options);
    expect(await database.migrate()).toBeGreaterThan(0);
    expect((await transfer.schema()).version).toBeGreaterThan(0);
    await Promise.all([database.close(), transfer.close()]);
    gate.close();
    await drop();
  },
  60_000,
);

test("the driver's lists of hosts and ports: without them, no database is reached by its IPv6 address", async () => {
  const addressOf = (options: Parameters<typeof postgres>[1]) => {
    const sql = postgres(options);
    const { host, port } = sql.options;
    void sql.end();
    return { host, port };
  };
  const options = connectionOptions("postgres://u@[2001:db8::1]:6432/books");
  expect(addressOf(options)).toEqual({ host: ["2001:db8::1"], port: [6432] });
  // Once the driver takes an address as it is, the lists are no longer needed.
  expect(addressOf({ host: "2001:db8::1", port: 6432 }).host).not.toEqual(["2001:db8::1"]);
});
