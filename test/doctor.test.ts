/** `thimble doctor` with real ports, files and databases. */
import { expect, test } from "bun:test";
import { existsSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../src/cli/cli.ts";
import { runDoctor } from "../src/cli/commands/doctor.ts";
import type { Environment } from "../src/config/config.ts";
import type { Migration } from "../src/database/migrations/migration.ts";
import { openPostgresDatabase } from "../src/server/database/postgres.ts";
import type { Runtime } from "../src/server/runtime.ts";
import { postgresMigrations } from "./example/migrations/postgres.ts";
import { freshDatabase } from "./postgres.ts";
import { idleRuntime } from "./runtime.ts";
import { inTemporaryDirectory, startService } from "./service.ts";

const API_KEY = "0123456789abcdef";

/** The exit code, and what it says of each thing that it looks at. */
async function examine(env: Environment, given: Partial<Runtime> = {}, fileLimit = 20_000) {
  const lines: string[] = [];
  const code = await runDoctor(
    [],
    idleRuntime({
      env: { HOST: "127.0.0.1", PORT: "0", API_KEY, DATABASE_URL: "memory:", ...env },
      stdout: (line) => void lines.push(line),
      memoryLeft: () => 1e9,
      listen: async (_fetch, { port, host }) => {
        const server = Bun.listen({ hostname: host, port, socket: { data() {} } });
        return {
          port: server.port,
          stop: async () => server.stop(true),
          inFlight: () => 0,
          closeAllConnections: () => {},
        };
      },
      ...given,
    }),
    fileLimit,
  );
  return { code, said: lines.map((line) => line.replace(/ {2,}/g, "  ")) };
}

test("all is well: it says so of each thing, and changes nothing", async () => {
  await inTemporaryDirectory(async (directory) => {
    const DATA_DIR = join(directory, "data");
    const { code, said } = await examine({ DATABASE_URL: "", DATA_DIR });
    expect(said.map((line) => line.split("  ").slice(0, 2).join(" "))).toEqual([
      ...["ok configuration", "ok PORT", "ok keys", "ok database", "ok disk", "ok open files"],
      ...["ok memory", "ok clock"],
    ]);
    expect(said[3]).toContain(`${DATA_DIR}/thimble.db will be made at the first start`);
    expect(existsSync(DATA_DIR)).toBe(false);
    expect(code).toBe(0);
  });
});

test("next to a service that is ready, its port is no problem", async () => {
  await using service = await startService();
  const { said } = await examine({ PORT: String(service.port) });
  expect(said[1]).toBe(`ok  PORT  the service answers on 127.0.0.1:${service.port}, and is ready`);
});

test("a database of the service is opened, and not migrated", async () => {
  const { url, drop } = await freshDatabase();
  const look = async () => (await examine({ DATABASE_URL: url })).said.slice(3, 5);
  const known = postgresMigrations.length;
  for (const _time of [1, 2]) {
    expect(await look()).toEqual([
      "ok  database  postgres answers",
      `ok  schema  version 0; the next start brings it to ${known}`,
    ]);
  }
  const migrate = async (more: readonly Migration[]) => {
    const database = openPostgresDatabase(url, { migrations: [...postgresMigrations, ...more] });
    await database.migrate();
    await database.close();
  };
  await migrate([]);
  expect((await look())[1]).toStartWith("ok  open files");
  const later = { name: "later", sql: "SELECT 1" };
  const added = { ...later, version: known + 1, compatibleFrom: known };
  await migrate([added]);
  expect((await look())[1]).toBe(
    `ok  schema  version ${known + 1} is of a newer release, and works with this one`,
  );
  await migrate([added, { ...later, version: known + 2, compatibleFrom: known + 2 }]);
  expect((await look())[0]).toStartWith(
    `wrong  database  The database has schema version ${known + 2}, and this release knows only`,
  );
  await drop();
});

const SQLITE_ON = (directory: string) => ({ DATABASE_URL: `sqlite:${directory}/books.db` });
const line = (expires: string) => `old process sha256:${"0".repeat(64)} expires=${expires}`;

for (const [what, env, says, given] of [
  ["a variable", { PORT: "80x" }, /^wrong {2}configuration {2}PORT is "80x"; it must be a port/],
  ["a missing key", { API_KEY: "" }, /^wrong {2}configuration {2}API_KEY is not set\. Make one/],
  [
    "a key that has expired",
    { API_KEYS: line("2020-01-01") },
    /^wrong {2}keys {2}old has expired; remove its line from API_KEYS$/,
  ],
  [
    "a key that expires soon",
    { API_KEYS: line("2026-12-03") },
    /^wrong {2}keys {2}old expires on 2026-12-03T00:00:00.000Z; make its successor: thimble key new$/,
    { clock: () => Date.UTC(2026, 11, 1) },
  ],
  [
    "a database that does not answer",
    { DATABASE_URL: "postgres://u@127.0.0.1:1/n" },
    /^wrong {2}database {2}.+ECONNREFUSED.+; look at DATABASE_URL$/,
  ],
  [
    "a file in the place of a directory",
    { DATABASE_URL: "sqlite:/dev/null/new/books.db" },
    /^wrong {2}database {2}\/dev\/null\/new\/books\.db cannot be made: \/dev\/null is no directory$/,
  ],
  [
    "little memory",
    {},
    /^wrong {2}memory {2}8 MB left; give it more/,
    { memoryLeft: () => 8_000_000 },
  ],
  [
    "a clock that was never set",
    {},
    /^wrong {2}clock {2}1970-01-01T00:00:00.000Z is long over/,
    { clock: () => 0 },
  ],
] as const) {
  test(`${what} is found, with what to do`, async () => {
    const { code, said } = await examine(env, given);
    expect(said).toContainEqual(expect.stringMatching(says));
    expect(code).toBe(1);
  });
}

test("few files are found", async () => {
  const { said, code } = await examine({}, {}, 1000);
  expect(said).toContain("wrong  open files  1000 of 1074; ulimit -n 1074, or LimitNOFILE");
  expect(code).toBe(1);
});

test("a port for metrics that another program has is found", async () => {
  const other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { said } = await examine({ METRICS_PORT: String(other.port) });
  expect(said[2]).toStartWith(`wrong  METRICS_PORT  port ${other.port} is in use`);
  expect(said[2]).toContain("METRICS_PORT=");
  other.stop();
});

test("it takes no arguments", async () => {
  const lines: string[] = [];
  const stderr = (line: string) => void lines.push(line);
  expect(await runCli(["doctor", "--fix"], idleRuntime({ stderr }))).toBe(64);
  expect(lines.join("\n")).toContain("unexpected argument: --fix");
});

test("a port that another program has is found", async () => {
  const other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { code, said } = await examine({ PORT: String(other.port) });
  expect(said[1]).toStartWith(`wrong  PORT  port ${other.port} is in use; choose another`);
  expect(code).toBe(1);
  other.stop();
});

test("a clock that is earlier than the last write is found", async () => {
  await inTemporaryDirectory(async (directory) => {
    const env = SQLITE_ON(directory);
    writeFileSync(join(directory, "books.db"), "");
    const tomorrow = new Date(Date.now() + 86_400_000);
    utimesSync(join(directory, "books.db"), tomorrow, tomorrow);
    const { said } = await examine(env);
    expect(said).toContain(
      `wrong  clock  is earlier than the last write to the database, at ${tomorrow.toISOString()}`,
    );
  });
});

test("PostgreSQL's clock is compared", async () => {
  const { url, drop } = await freshDatabase();
  await runCli(["migrate"], idleRuntime({ env: { DATABASE_URL: url } }));
  const { said } = await examine({ DATABASE_URL: url }, { clock: () => Date.now() + 60_000 });
  expect(said).toContainEqual(
    expect.stringMatching(/^wrong {2}clock {2}differs from PostgreSQL's/),
  );
  await drop();
});
