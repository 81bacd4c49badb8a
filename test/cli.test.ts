import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { version } from "../package.json" with { type: "json" };
import { runCli } from "../src/cli/cli.ts";
import type { Environment } from "../src/config/config.ts";
import type { Migration } from "../src/database/migrations/migration.ts";
import { openPostgresDatabase } from "../src/server/database/postgres.ts";
import { openSqliteDatabase } from "../src/server/database/sqlite.ts";
import type { Fetch, ListenOptions } from "../src/server/runtime.ts";
import { pem, putCertificate, tlsVariables } from "./certificate.ts";
import { postgresMigrations } from "./example/migrations/postgres.ts";
import { sqliteMigrations } from "./example/migrations/sqlite.ts";
import { SCOPES } from "./example/service.ts";
import { freshDatabase } from "./postgres.ts";
import { idleRuntime } from "./runtime.ts";
import { eventually, inTemporaryDirectory } from "./service.ts";

const API_KEY = "0123456789abcdef";

type Run = { code: number; stdout: string; stderr: string };

/** Replaces the server: by default it gets no request and a signal to stop at once. */
type Listen = (fetch: Fetch, options: ListenOptions) => void | Promise<void>;

async function run(args: string[], env: Environment = {}, whileListening?: Listen): Promise<Run> {
  const written = { stdout: [] as string[], stderr: [] as string[] };
  const listened = Promise.withResolvers<string>();
  const runtime = idleRuntime({
    env,
    untilSignal: () => listened.promise,
    clock: () => Date.parse("2026-01-01T00:00:00.000Z"),
    stdout: (line) => void written.stdout.push(line),
    stderr: (line) => void written.stderr.push(line),
    listen: async (fetch, options) => {
      await whileListening?.(fetch, options);
      listened.resolve("SIGTERM");
      return {
        port: options.port || 49_152,
        stop: async () => {},
        inFlight: () => 0,
        closeAllConnections: () => {},
      };
    },
  });
  const code = await runCli(args, runtime);
  return { code, stdout: written.stdout.join("\n"), stderr: written.stderr.join("\n") };
}

const nothing = expect.stringMatching(/^$/);
const usage = expect.stringContaining("Usage: thimble [COMMAND]");
const told = (...problems: (string | RegExp)[]) => {
  const lines = problems.map((problem) =>
    typeof problem === "string" ? RegExp.escape(problem) : problem.source,
  );
  const list = lines.length === 1 ? ` ${lines[0]}` : lines.map((line) => `\n  - ${line}`).join("");
  return expect.stringMatching(new RegExp(`^thimble: invalid configuration:${list}$`));
};

type Row = { args: string[]; env?: Environment } & { [Part in keyof Run]: unknown };

const ROWS: Row[] = [
  {
    args: ["frobnicate"],
    code: 64,
    stdout: nothing,
    stderr: /^thimble: unknown command: frobnicate\n/,
  },
  {
    args: ["toString"],
    code: 64,
    stdout: nothing,
    stderr: /^thimble: unknown command: toString\n/,
  },
  ...["--version", "-v", "version"].map((word) => ({
    ...{ args: [word], code: 0, stdout: `thimble ${version}`, stderr: nothing },
  })),
  ...["--help", "-h", "help"].map((word) => ({
    ...{ args: [word], code: 0, stdout: /^(?:[^\n]*\n){10,38}[^\n]*$/, stderr: nothing },
  })),
  {
    ...{ args: ["help", "variables"], code: 0, stderr: nothing },
    stdout: /\n {2}ENVIRONMENT\n.+\n {2}OTEL_SDK_DISABLED\n/s,
  },
  { args: ["help", "key"], code: 0, stdout: /^Usage: thimble key new NAME/, stderr: nothing },
  { args: ["--help", "cook"], code: 64, stdout: nothing, stderr: /there is no command cook\n/ },
  {
    args: ["--help", "key", "new"],
    code: 64,
    stdout: nothing,
    stderr: /unexpected argument: new\n/,
  },
  { args: ["--port"], code: 64, stdout: nothing, stderr: /'--port <value>' argument missing/ },
  {
    ...{ args: ["--port=70000"], env: { API_KEY, PORT: "80" }, code: 78, stdout: nothing },
    stderr: told(
      'PORT is "70000"; it must be a port number from 0 to 65535; 0 lets the system choose',
    ),
  },
  {
    args: ["migrate", "--", "--help"],
    code: 64,
    stdout: nothing,
    stderr: /unexpected argument: --/,
  },
  { args: [""], code: 64, stdout: nothing, stderr: usage },
  {
    args: ["serve", "now"],
    code: 64,
    stdout: nothing,
    stderr: /^thimble serve: unexpected argument: now\n\nUsage: thimble serve \[--port PORT\]$/,
  },
  {
    args: ["migrate", "--dry-run"],
    code: 64,
    stdout: nothing,
    stderr:
      /^thimble migrate: unknown option --dry-run; there are --check\n\nUsage: thimble migrate\n +thimble migrate --check$/,
  },
  {
    args: ["migrate", "--help"],
    code: 0,
    stdout: /^Usage: thimble migrate\n.+--check .+78/s,
    stderr: nothing,
  },
  { args: ["key", "--help"], code: 0, stdout: /--expires DATE\].+Scopes: /s, stderr: nothing },
  ...(
    [
      [[], "expected new, and the name of the new key"],
      [["old"], "expected new, and the name of the new key"],
      [["new", "--scope", "process"], "a name is 1 to 64 letters"],
      [["new", "a b", "--scope", "process"], "a name is 1 to 64 letters"],
      [["new", "a", "b", "--scope", "process"], "unexpected argument: b"],
      [["new", "a"], `scopes are ${SCOPES.join(", ")}`],
      [["new", "a", "--scope", "everything"], "scopes are books:read, books:write"],
      [["new", "a", "--scope", "process", "--expires", "soon"], "DATE such as 2027-01-31"],
      [
        ["new", "a", "--scope", "process", "--expires", "2026-01-01"],
        "--expires has to be later than now; 2026-01-01 is 2026-01-01T00:00:00.000Z, which is over",
      ],
      [
        ["new", "a", "--scop", "process"],
        "unknown option --scop; there are --scope, --not-before, --expires",
      ],
    ] as const
  ).map(([args, says]) => ({
    args: ["key", ...args],
    code: 64,
    stdout: nothing,
    stderr: new RegExp(`^thimble key: .*${RegExp.escape(says)}[^]+Usage: thimble key new NAME`),
  })),
  {
    args: ["serve", "-h"],
    code: 0,
    stdout: /^Usage: thimble serve \[--port PORT\]\n/,
    stderr: nothing,
  },
  {
    args: [],
    code: 78,
    stdout: nothing,
    stderr: told(/API_KEY is not set\. Make one: .+/),
  },
  {
    args: ["serve"],
    env: { ENVIRONMENT: "prod", API_KEY: "short-secret", PORT: "70000", LOG_LEVEL: "loud" },
    code: 78,
    stdout: nothing,
    stderr: told(
      'ENVIRONMENT is "prod"; it must be production, staging, test or development',
      "API_KEY must be at least 16 printable ASCII characters without spaces",
      'PORT is "70000"; it must be a port number from 0 to 65535; 0 lets the system choose',
      'LOG_LEVEL is "loud"; it must be DEBUG, INFO, WARNING or ERROR',
    ),
  },
  {
    args: ["serve"],
    env: { API_KEY, API_KEY_FILE: "/run/secrets/key", DATABASE_URL_FILE: "/no/such/file" },
    code: 78,
    stdout: nothing,
    stderr: told(
      "API_KEY and API_KEY_FILE are both set; set one of them",
      "DATABASE_URL_FILE names a file that cannot be read: ENOENT",
    ),
  },
  {
    args: ["migrate"],
    env: { API_KEY, DATABASE_URL: "mysql://user:secret@db/books" },
    code: 78,
    stdout: nothing,
    stderr: told("DATABASE_URL must be sqlite:PATH, memory: or postgres://USER@HOST:PORT/NAME"),
  },
  {
    args: ["migrate"],
    env: { DATABASE_URL: "memory:", PORT: "high" },
    code: 0,
    stdout: "Migrations applied: 0",
    stderr: nothing,
  },
  {
    args: ["migrate"],
    env: { API_KEY, DATABASE_URL: "sqlite:/dev/null/books.db" },
    code: 78,
    stdout: nothing,
    stderr: /^thimble: Cannot use the SQLite file \/dev\/null\/books\.db: .+$/,
  },
  {
    args: ["migrate"],
    env: { API_KEY, DATABASE_URL: "postgres://u:secret@127.0.0.1:1/books" },
    code: 69,
    stdout: nothing,
    stderr: /^thimble: (?!.*secret).+$/,
  },
  {
    args: ["healthcheck"],
    env: { PORT: "1" },
    code: 1,
    stdout: nothing,
    stderr: /^thimble: no answer on 127\.0\.0\.1:1: /,
  },
  {
    args: ["healthcheck"],
    env: { PORT: "1", HOST: "::1" },
    code: 1,
    stdout: nothing,
    stderr: /^thimble: no answer on \[::1\]:1: /,
  },
  {
    args: ["healthcheck"],
    env: { PORT: "high", HOST: "a b" },
    code: 78,
    stdout: nothing,
    stderr: told(
      'HOST is "a b"; it must be an IP address or a host name',
      'PORT is "high"; it must be a port number from 0 to 65535; 0 lets the system choose',
    ),
  },
];

describe("arguments and environment become an exit code and output:", () => {
  for (const { args, env = {}, code, stdout, stderr } of ROWS) {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    test([...variables, "thimble", ...args].join(" "), async () => {
      const text = (expected: unknown) =>
        expected instanceof RegExp ? expect.stringMatching(expected) : expected;
      expect(await run(args, env)).toEqual({
        code: code as number,
        stdout: text(stdout) as string,
        stderr: text(stderr) as string,
      });
    });
  }
});

test("openapi prints the OpenAPI 3.1 document, and needs no configuration", async () => {
  const { code, stdout, stderr } = await run(["openapi"], { PORT: "high" });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({
    openapi: "3.1.0",
    info: { title: "Thimble", version },
    paths: { "/books": { get: {}, post: {} }, "/api/v1/process": { post: {} } },
  });
});

test("key new makes another key every time, and needs no configuration", async () => {
  const args = ["key", "new", "ci", "--scope", "process", "--scope", "books:write"];
  const dates = ["--not-before", "2027-01-01", "--expires=2027-02-01T00:00:00Z"];
  const made = await Promise.all([1, 2].map(() => run([...args, ...dates], { PORT: "high" })));
  for (const { code, stdout, stderr } of made) {
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^ci process,books:write sha256:[0-9a-f]{64} not-before=2027-01-01 expires=2027-02-01T00:00:00Z$/,
    );
    expect(stderr).toMatch(/^The key ci, which is shown only now:\nthb_[\w-]{43}$/);
    const digest = new Bun.CryptoHasher("sha256").update(stderr.split("\n")[1] ?? "").digest("hex");
    expect(stdout).toContain(digest);
  }
  expect(made[0]?.stderr).not.toBe(made[1]?.stderr ?? "");
});

test("migrate makes the schema once", async () => {
  await inTemporaryDirectory(async (directory) => {
    const env = { API_KEY, DATA_DIR: join(directory, "new") };
    const first = await run(["migrate"], env);
    expect(first).toEqual({
      code: 0,
      stdout: `Migrations applied: ${sqliteMigrations.length}`,
      stderr: "",
    });
    const second = await run(["migrate"], env);
    expect(second).toEqual({ code: 0, stdout: "Migrations applied: 0", stderr: "" });
    expect(existsSync(join(directory, "new/thimble.db"))).toBe(true);
  });
});

describe("migrate --check", () => {
  const known = sqliteMigrations.length;
  const compatible = sqliteMigrations.at(-1)?.compatibleFrom;
  /** What the next two releases do. */
  const later: readonly Migration[] = [
    { version: known + 1, name: "one", compatibleFrom: known, sql: "CREATE TABLE one (a integer)" },
    { version: known + 2, name: "two", compatibleFrom: known + 2, sql: "DROP TABLE one" },
  ];

  test("of entries in memory: nothing to do", async () => {
    expect(await run(["migrate", "--check"], { DATABASE_URL: "memory:" })).toEqual({
      ...{ code: 0, stdout: "Nothing to do: entries in memory have no schema", stderr: "" },
    });
  });

  test.each(["SQLite", "PostgreSQL"])(
    "says what is to be done, and does nothing: %s",
    async (kind) => {
      const { url, drop } = await freshDatabase();
      await inTemporaryDirectory(async (directory) => {
        const path = join(directory, "new/thimble.db");
        const env = { DATABASE_URL: kind === "SQLite" ? `sqlite:${path}` : url };
        const upgrade = async (migrations: readonly Migration[]) => {
          const database =
            kind === "SQLite"
              ? openSqliteDatabase(path, { migrations: [...sqliteMigrations, ...migrations] })
              : openPostgresDatabase(url, { migrations: [...postgresMigrations, ...migrations] });
          await database.migrate();
          await database.close();
        };
        const check = async () => {
          const { code, stdout, stderr } = await run(["migrate", "--check"], env);
          return { code, said: stdout.replace("Schema version: ", ""), stderr };
        };
        for (const _time of [1, 2]) {
          expect(await check()).toEqual({
            code: 1,
            said: `found 0, known ${known}, compatible from 0; migrations to apply: ${known}`,
            stderr: "",
          });
        }
        expect(existsSync(path)).toBe(false);
        await upgrade([]);
        expect(await check()).toEqual({
          code: 0,
          said: `found ${known}, known ${known}, compatible from ${compatible}; nothing to do`,
          stderr: "",
        });
        await upgrade(later.slice(0, 1));
        const newer = "the schema is of a newer release, and works with this one";
        expect(await check()).toEqual({
          code: 0,
          said: `found ${known + 1}, known ${known}, compatible from ${known}; nothing to do: ${newer}`,
          stderr: "",
        });
        expect(await run(["migrate"], env)).toEqual({
          ...{ code: 0, stdout: `Migrations applied: 0; ${newer}`, stderr: "" },
        });
        await upgrade(later);
        const found = `found ${known + 2}, known ${known}, compatible from ${known + 2}`;
        expect(await check()).toEqual({
          code: 78,
          said: `${found}; this release cannot use it`,
          stderr:
            `thimble: The database has schema version ${known + 2}, and this release knows only ${known}. ` +
            `Run a release that knows version ${known + 2} at least.`,
        });
      });
      await drop();
    },
  );
});

test("migrate adds no sample entries", async () => {
  await inTemporaryDirectory(async (directory) => {
    const env = { ENVIRONMENT: "development", SEED: "true", DATA_DIR: directory };
    expect((await run(["migrate"], env)).code).toBe(0);
    const { code, stderr } = await run(["export", "books", join(directory, "books")], env);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^Exported 0 books in /),
    });
  });
});

describe("serve", () => {
  const MEMORY = { API_KEY, DATABASE_URL: "memory:", DRAIN_DELAY_SECONDS: "0" };
  const log = ({ stdout }: Run) => stdout.split("\n").map((line) => JSON.parse(line));

  test("listens as configured, logs it, and ends with 0 after a signal", async () => {
    let asked: ListenOptions | undefined;
    const env = { ...MEMORY, HOST: "::1", PORT: "8080", REQUEST_TIMEOUT_SECONDS: "240" };
    const result = await run(["serve"], env, (_fetch, options) => {
      asked = options;
    });
    expect(asked).toEqual({
      host: "::1",
      port: 8080,
      idleTimeoutSeconds: 75,
      requestTimeoutSeconds: 245,
      maxHeadBytes: 24_576,
    });
    expect(result.code).toBe(0);
    expect(log(result)).toMatchObject([
      {
        message: "listening",
        host: "::1",
        port: 8080,
        scheme: "http",
        version,
        environment: "production",
        database: "memory",
      },
      { message: "draining", signal: "SIGTERM", delay_seconds: 0 },
      { message: "stopped" },
    ]);
    expect(result.stdout).not.toContain(API_KEY);
  });

  test("reads its secrets and its certificate again at a SIGHUP", async () => {
    await inTemporaryDirectory(async (directory) => {
      const lines: string[] = [];
      const hangUps: (() => void)[] = [];
      const said = (text: string) =>
        eventually(text, () => lines.find((line) => line.includes(`"message":"${text}"`)));
      const runtime = idleRuntime({
        env: { ...MEMORY, ...putCertificate(directory, "first") },
        stdout: (line) => void lines.push(line),
        listen: () => ({
          port: 8443,
          stop: async () => {},
          inFlight: () => 0,
          closeAllConnections: () => {},
        }),
        onHangup: (listener) => void hangUps.push(listener),
        untilSignal: async () => {
          await said("listening");
          for (const hangUp of hangUps) hangUp();
          expect(await said("secrets reloaded")).toContain('"keys":1');
          return "SIGTERM";
        },
      });
      expect(await runCli(["serve"], runtime)).toBe(0);
      expect(lines.join("\n")).not.toMatch(/certificate|"level":"(WARNING|ERROR)"/);
    });
  });

  test("listens with its certificate, and logs it", async () => {
    await inTemporaryDirectory(async (directory) => {
      let asked: ListenOptions | undefined;
      const env = { ...MEMORY, ...putCertificate(directory, "first"), PORT: "8443" };
      const development = { ...env, ENVIRONMENT: "development", API_KEY: undefined };
      const result = await run(["serve"], development, (_fetch, options) => {
        asked = options;
      });
      expect(asked?.tls).toEqual({ cert: pem("first.crt"), key: pem("first.key") });
      expect(result.code).toBe(0);
      expect(result.stdout).toContain('"scheme":"https"');
      expect(result.stdout).toContain("Thimble listens on https://localhost:8443\n");
      expect(result.stdout).toContain("curl --insecure https://localhost:8443/");
    });
  });

  test("ends with 78 before it opens anything if the certificate cannot be used", async () => {
    await inTemporaryDirectory(async (directory) => {
      const env = { API_KEY, DATA_DIR: join(directory, "data"), ...tlsVariables(directory) };
      expect(await run(["serve"], env)).toEqual({
        code: 78,
        stdout: "",
        stderr: told(
          "TLS_CERT_FILE names a file that cannot be read: ENOENT",
          "TLS_KEY_FILE names a file that cannot be read: ENOENT",
        ) as unknown as string,
      });
      expect(existsSync(join(directory, "data"))).toBe(false);
    });
  });

  test("names the port that the system chose", async () => {
    const result = await run([], { ...MEMORY, PORT: "0" });
    expect(log(result)[0]).toMatchObject({ message: "listening", port: 49_152 });
  });

  test("answers metrics and health only on METRICS_PORT, if that is set", async () => {
    const statuses: Record<number, number[]> = {};
    const env = { ...MEMORY, PORT: "8080", METRICS_PORT: "9090" };
    const result = await run([], env, async (fetch, { port, host }) => {
      expect(host).toBe("::");
      const paths = ["/books", "/health", "/healthz", "/ready", "/metrics", "/nothing"];
      const headers = { "X-API-Key": API_KEY };
      const answers = paths.map((path) =>
        fetch(new Request(`http://a.test${path}`, { headers }), {}),
      );
      statuses[port] = (await Promise.all(answers)).map(({ status }) => status);
    });
    expect(statuses).toEqual({
      8080: [200, 404, 404, 404, 404, 404],
      9090: [404, 200, 200, 200, 200, 404],
    });
    const listening = log(result).find(({ message }) => message === "listening");
    expect(listening).toMatchObject({ port: 8080, metrics_port: 9090 });
  });

  for (const [HOST, listensOn] of [
    [undefined, "0.0.0.0"],
    ["::", "0.0.0.0"],
    ["::1", undefined],
  ]) {
    test(`without IPv6, HOST=${HOST ?? ""} ${listensOn ? "listens on IPv4" : "is an error"}`, async () => {
      const env = { ...MEMORY, ...(HOST && { HOST }), PORT: "8080", METRICS_PORT: "9090" };
      const hosts: string[] = [];
      const result = await run([], env, (_fetch, { host }) => {
        hosts.push(host);
        if (host.includes(":")) throw Object.assign(new Error("no"), { code: "EAFNOSUPPORT" });
      });
      if (listensOn) {
        const listening = log(result).find(({ message }) => message === "listening");
        expect(listening?.host).toBe(listensOn);
        expect(hosts).toEqual(["::", "0.0.0.0", "::", "0.0.0.0"]);
      } else {
        expect(result.stderr).toBe("thimble: cannot listen on [::1]:8080: EAFNOSUPPORT");
        expect(result.code).toBe(69);
      }
    });
  }

  test("names the port if it cannot listen on METRICS_PORT", async () => {
    const env = { ...MEMORY, HOST: "127.0.0.1", METRICS_PORT: "9090" };
    const result = await run([], env, (_fetch, { port }) => {
      if (port === 9090) throw Object.assign(new Error("no"), { code: "EADDRINUSE" });
    });
    expect(result.code).toBe(69);
    expect(result.stderr).toBe(
      "thimble: port 9090 is in use; choose another, for example METRICS_PORT=9091",
    );
  });

  test("accepts the configured key", async () => {
    const statuses: number[] = [];
    await run([], MEMORY, async (fetch) => {
      for (const key of [API_KEY, "another-key-of-16"]) {
        const init = {
          method: "POST",
          headers: { "X-API-Key": key, "Content-Type": "application/json" },
          body: '{"action":"echo"}',
        };
        const response = await fetch(new Request("http://a.test/api/v1/process", init), {});
        statuses.push(response.status);
      }
    });
    expect(statuses).toEqual([200, 401]);
  });

  test("makes another key for every run in development", async () => {
    const env = { ENVIRONMENT: "development", DATABASE_URL: "memory:", LOG_FORMAT: "text" };
    const keys = [await run([], env), await run([], env)].map(
      ({ stdout }) => /API key for this run: ([0-9a-f]{32})$/m.exec(stdout)?.[1],
    );
    expect(keys[0]).toBeString();
    expect(keys[1]).toBeString();
    expect(keys[0]).not.toBe(keys[1] ?? "");
  });

  for (const [HOST, name] of [
    ["0.0.0.0", "localhost"],
    ["::", "localhost"],
    ["127.0.0.1", "127.0.0.1"],
    ["::1", "[::1]"],
  ]) {
    test(`calls itself ${name} if HOST is ${HOST}`, async () => {
      const env = { ENVIRONMENT: "development", DATABASE_URL: "memory:", HOST, PORT: "8080" };
      const { stdout } = await run([], env);
      expect(stdout).toContain(`curl http://${name}:8080/api/v1/process `);
    });
  }

  test("never prints a configured key", async () => {
    const { stdout } = await run([], { ...MEMORY, ENVIRONMENT: "development" });
    expect(stdout).not.toContain(API_KEY);
    expect(stdout).not.toContain("curl");
  });

  for (const [code, says] of [
    ["EADDRINUSE", "port 80 is in use; choose another, for example PORT=81"],
    ["EACCES", "port 80 is not for every user; choose one from 1024 on, for example PORT=8080"],
    ["EADDRNOTAVAIL", "cannot listen on 127.0.0.1:80: EADDRNOTAVAIL"],
    ["EINVAL", "cannot listen on 127.0.0.1:80: EINVAL"],
  ] as const) {
    test(`ends with 69 and a line if it cannot listen: ${code}`, async () => {
      const result = await run([], { ...MEMORY, HOST: "127.0.0.1", PORT: "80" }, () => {
        throw Object.assign(new Error("no"), { code, syscall: "listen" });
      });
      expect(result.code).toBe(69);
      expect(result.stderr).toBe(`thimble: ${says}`);
    });
  }

  test("ends with 1 and the stack after a defect", async () => {
    const result = await run([], MEMORY, () => {
      throw new TypeError("a defect");
    });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/^TypeError: a defect\n\s+at /);
  });

  test("ends with 1 if the thrown value is not an error", async () => {
    const result = await run([], MEMORY, () => Promise.reject("a text"));
    expect(result).toMatchObject({ code: 1, stderr: "a text" });
  });

  test("serves even if the database cannot be reached, and logs it", async () => {
    let readiness: unknown;
    const env = { ...MEMORY, DATABASE_URL: "postgres://u:secret@127.0.0.1:1/books" };
    const result = await run([], env, async (fetch) => {
      const response = await fetch(new Request("http://a.test/ready"), {});
      readiness = [response.status, await response.json()];
    });
    expect(result.code).toBe(0);
    expect(readiness).toEqual([
      503,
      { ready: false, checks: { api: "ok", database: "unavailable" } },
    ]);
    expect(log(result)[0]).toMatchObject({ level: "WARNING" });
    expect(result.stdout).not.toContain("secret");
  });
});
