import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import postgres from "postgres";
import { variables } from "../../src/config/variables.ts";
import { CONTRACT_VARIABLES } from "../contract/api.ts";
import { httpContract, type Target } from "../http.contract.ts";
import { freshDatabase } from "../postgres.ts";
import { API_KEY, eventually, isGone, newDirectory, until, type Variables } from "../service.ts";
import { EXCEPTIONS } from "./exceptions.ts";
import {
  bundledFunction,
  failToStart,
  HANDLER,
  type LambdaFunction,
  type Result,
  startFunction,
  toEvent,
  toResponse,
} from "./lambda.ts";

// On a busy machine, PostgreSQL starts slowly.
setDefaultTimeout(60_000);

const ROOT = join(import.meta.dir, "../..");
const URL_OF_FUNCTION = "https://url-id.lambda-url.eu-central-1.on.aws";
const MEMORY = { DATABASE_URL: "memory:" };

async function openTarget(env: Variables, release = async () => {}): Promise<Target> {
  const instance = await startFunction({ ...CONTRACT_VARIABLES, ...env });
  return {
    baseUrl: URL_OF_FUNCTION,
    apiKey: API_KEY,
    fetch: (url, init) => request(instance, url, init),
    close: async () => {
      await instance.stop();
      await release();
    },
  };
}

async function request(instance: LambdaFunction, path: string, init?: RequestInit) {
  const event = await toEvent(new Request(new URL(path, URL_OF_FUNCTION), init));
  return toResponse(await instance.invoke(event));
}

httpContract("Lambda, SQLite", () => openTarget({}), EXCEPTIONS.Lambda);

/** An instance for `use`, which ends afterwards. */
async function withInstance(
  env: Variables,
  use: (instance: LambdaFunction) => Promise<void>,
): Promise<void> {
  const instance = await startFunction(env);
  try {
    await use(instance);
  } finally {
    await instance.stop();
  }
}

function readEvent(name: string): Promise<unknown> {
  return Bun.file(join(import.meta.dir, "events", `${name}.json`)).json();
}

describe("an event as AWS documents it:", () => {
  const echoed = { success: true, action: "echo", data: "Łódź" };
  const orwell = { id: 1, title: "1984", author: "George Orwell" };
  const events: { name: string; status?: number; says: (body: string, result: Result) => void }[] =
    [
      {
        name: "http-api-get",
        says: (body) => expect(JSON.parse(body)).toMatchObject({ items: [orwell] }),
      },
      { name: "http-api-post", says: (body) => expect(JSON.parse(body)).toMatchObject(echoed) },
      {
        name: "http-api-post-base64",
        says: (body) => expect(JSON.parse(body)).toMatchObject(echoed),
      },
      { name: "http-api-cookies", says: (body) => expect(body).toBe("OK") },
      { name: "http-api-stage", says: (body) => expect(JSON.parse(body)).toMatchObject(orwell) },
      {
        name: "http-api-decoded-path",
        status: 404,
        says: (body) => expect(JSON.parse(body)).toMatchObject({ error: "Book not found" }),
      },
      { name: "http-api-get-body", says: (body) => expect(JSON.parse(body)).toMatchObject(orwell) },
      { name: "function-url-get", says: (body) => expect(JSON.parse(body)).toMatchObject(orwell) },
      {
        name: "function-url-docs",
        says: (body, { isBase64Encoded }) => {
          expect(isBase64Encoded).toBe(false);
          expect(body).toStartWith("<!doctype html>");
        },
      },
      {
        name: "function-url-head",
        says: (body, { headers }) => {
          expect(body).toBe("");
          expect(Number(headers["content-length"])).toBeGreaterThan(10_000);
        },
      },
    ];

  for (const { name, status = 200, says } of events) {
    test(name, () =>
      withInstance(MEMORY, async (instance) => {
        const result = await instance.invoke(await readEvent(name));
        expect(result).toMatchObject({
          statusCode: status,
          headers: { "x-frame-options": "DENY" },
        });
        says(result.body, result);
      }),
    );
  }

  test("every one of them is tested", () => {
    const files = readdirSync(join(import.meta.dir, "events")).map((file) => file.slice(0, -5));
    expect(files.toSorted()).toEqual(events.map(({ name }) => name).toSorted());
  });

  for (const [what, event] of [
    ["a schedule", { version: "0", "detail-type": "Scheduled Event", source: "aws.events" }],
    ["a REST API, in format 1.0", { version: "1.0", path: "/healthz", httpMethod: "GET" }],
    ["nothing", null],
  ] as const) {
    test(`one of ${what} is refused, and the next one answered`, () =>
      withInstance(MEMORY, async (instance) => {
        await expect(instance.invoke(event)).rejects.toThrow("Not a request in payload format 2.0");
        expect((await request(instance, "/healthz")).status).toBe(200);
      }));
  }
});

describe("the log", () => {
  test("of a request is written before the instance is frozen", () =>
    withInstance(MEMORY, async (instance) => {
      const headers = { "X-Request-Id": "frozen" };
      expect((await request(instance, "/healthz", { headers })).status).toBe(200);
      const line = await eventually(
        "its line is in the log",
        () => instance.log().find(({ message }) => message === "request"),
        2000,
      );
      expect(line).toMatchObject({ level: "INFO", request_id: "frozen", path: "/healthz" });
    }));

  test("names a request's trace and client, and says that no spans are exported", () =>
    withInstance(
      { ...MEMORY, OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" },
      async (instance) => {
        const trace = "0af7651916cd43dd8448eb211c80319c";
        const traceparent = `00-${trace}-b7ad6b7169203331-01`;
        await request(instance, "/books/1", { headers: { traceparent } });
        const line = await eventually("its line is in the log", () =>
          instance.log().find(({ message }) => message === "request"),
        );
        expect(line).toMatchObject({
          trace_id: trace,
          route: "/books/:id",
          bytes: expect.any(Number),
          client_address: expect.any(String),
        });
        expect(instance.log()).toContainEqual(
          expect.objectContaining({
            level: "WARNING",
            message: "spans are not exported on this runtime; requests have trace ids",
          }),
        );
      },
    ));

  test("names what was started, and warns that its entries will be lost", () =>
    withInstance({}, async (instance) => {
      expect(instance.log()).toMatchObject([
        { level: "INFO", message: "database migrated" },
        {
          level: "WARNING",
          message: "entries last as long as this instance; set DATABASE_URL to keep them",
        },
        { level: "INFO", message: "started", environment: "production", database: "sqlite" },
      ]);
      expect(instance.stderr()).toBe("");
    }));
});

describe("an init phase that fails", () => {
  const failures: { what: string; env: Variables; line: object }[] = [
    {
      what: "says everything that is wrong with the configuration",
      env: { DATABASE_URL: "mysql://db", LOG_FORMAT: "xml", MAX_BODY_BYTES: "none" },
      line: {
        message: "invalid configuration",
        problems: [
          expect.stringMatching(/^LOG_FORMAT is "xml"; it must be /),
          expect.stringMatching(/^MAX_BODY_BYTES is "none"; it must be /),
          expect.stringMatching(/^API_KEY is not set/),
          expect.stringMatching(/^DATABASE_URL must be /),
        ],
      },
    },
    {
      what: "asks for a key in development too",
      env: { ENVIRONMENT: "development" },
      line: {
        message: "invalid configuration",
        problems: ["API_KEY is required on Lambda"],
      },
    },
    {
      what: "says which secret's file cannot be read",
      env: { API_KEY_FILE: "/no/such/file" },
      line: { problems: ["API_KEY_FILE names a file that cannot be read: ENOENT"] },
    },
    {
      what: "says which directory cannot be written",
      env: { API_KEY, DATA_DIR: "/dev/null/books" },
      line: {
        message: expect.stringMatching(
          /^Cannot use the SQLite file \/dev\/null\/books\/thimble.db: /,
        ),
      },
    },
  ];
  for (const { what, env, line } of failures) {
    test(`${what}, in one line and without a stack`, async () => {
      const { code, stdout, stderr } = await failToStart(env);
      expect({ code, stderr }).toEqual({ code: 78, stderr: "" });
      expect(
        stdout
          .trimEnd()
          .split("\n")
          .map((text) => JSON.parse(text)),
      ).toMatchObject([{ level: "ERROR", ...line }]);
    });
  }

  const tables = [
    {
      what: "a database of a newer release",
      schema: `CREATE TABLE schema_migrations
        AS SELECT 99 AS version, 'later'::text AS name, now() AS applied_at`,
      says: /^The database has schema version 99/,
    },
    {
      what: "a database of something else",
      schema: "CREATE TABLE schema_migrations AS SELECT 'else' AS what",
      says: /^The database has a table schema_migrations of another tool \(what text\)/,
    },
  ];
  for (const { what, schema, says } of tables) {
    test(`is reported as ${what}, in one line and without a stack`, async () => {
      const { url, drop } = await freshDatabase();
      const sql = postgres(url, { max: 1 });
      await sql.unsafe(schema);
      await sql.end();
      const { code, stdout, stderr } = await failToStart({ API_KEY, DATABASE_URL: url });
      await drop();
      expect({ code, stderr }).toEqual({ code: 78, stderr: "" });
      expect(JSON.parse(stdout)).toMatchObject({
        level: "ERROR",
        message: expect.stringMatching(says),
      });
    });
  }
});

describe("a connection to PostgreSQL", () => {
  /** An instance on its own database, and the ids of the processes that serve its connections. */
  async function withDatabase(
    use: (
      instance: LambdaFunction,
      connections: () => Promise<number[]>,
      url: string,
    ) => Promise<void>,
  ): Promise<void> {
    const { url, drop } = await freshDatabase();
    const sql = postgres(url, { max: 1 });
    const connections = async () => {
      const rows = await sql<{ pid: number }[]>`SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'thimble'`;
      return rows.map(({ pid }) => pid);
    };
    try {
      await withInstance({ DATABASE_URL: url }, (instance) => use(instance, connections, url));
    } finally {
      await sql.end();
      await drop();
    }
  }

  test("is the only one of an instance", () =>
    withDatabase(async (instance, connections) => {
      for (const path of ["/books", "/books/1", "/ready"]) {
        expect((await request(instance, path)).status).toBe(200);
      }
      expect(await connections()).toHaveLength(1);
      expect(instance.log().filter(({ level }) => level === "WARNING")).toEqual([]);
    }));

  test("that the server closed while the instance was frozen is replaced for the next request", () =>
    withDatabase(async (instance, connections, url) => {
      expect((await request(instance, "/books/1")).status).toBe(200);
      const sql = postgres(url, { max: 1 });
      const [before] = await connections();
      await sql`SELECT pg_terminate_backend(${before ?? 0})`;
      await until("it is gone", async () => (await connections()).length === 0);
      // The process leaves the list before its end closes the connection. For a server elsewhere, the
      // process does not exist here.
      await until("its process is gone", () => isGone(before ?? 0));
      await sql.end();
      expect((await request(instance, "/books/1")).status).toBe(200);
      expect(await connections()).toHaveLength(1);
    }));

  test("is not used after a minute", () =>
    withDatabase(async (instance, connections) => {
      const event = await toEvent(new Request(`${URL_OF_FUNCTION}/books/1`));
      const before = await connections();
      expect((await instance.invoke(event, 59_000)).statusCode).toBe(200);
      expect(await connections()).toEqual(before);
      expect((await instance.invoke(event, 61_000)).statusCode).toBe(200);
      await eventually("another one is used", async () => {
        const [after] = await connections();
        return after !== undefined && !before.includes(after) ? true : undefined;
      });
    }));
});

describe("what is deployed", () => {
  type Template = {
    Parameters: Record<string, { NoEcho?: boolean }>;
    Conditions: object;
    Resources: { Service: { Properties: FunctionProperties } };
  };
  type FunctionProperties = {
    CodeUri: string;
    Timeout: number;
    Environment: { Variables: Record<string, unknown> };
  };
  const TEMPLATE = join(ROOT, "deploy/lambda/template.yaml");
  const readTemplate = async () => Bun.YAML.parse(await Bun.file(TEMPLATE).text()) as Template;

  test("is only modules, and small", async () => {
    const directory = await bundledFunction();
    const files = readdirSync(directory);
    expect(files).toContain("lambda.mjs");
    for (const file of files) expect(file).toMatch(/\.mjs$/);
    const bytes = files.map((file) => statSync(join(directory, file)).size);
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(2_000_000);
  });

  const canZip = Bun.which("zip") !== null && Bun.which("unzip") !== null;
  const ZIP = canZip ? "a zip" : "a zip (not run: it needs zip and unzip)";

  test.if(canZip)(`runs out of ${ZIP} in a directory of its own`, async () => {
    const zip = join(newDirectory(), "lambda.zip");
    const directory = newDirectory();
    run(await bundledFunction(), "zip", "-qr", zip, ".");
    run(directory, "unzip", "-q", zip);
    const instance = await startFunction(MEMORY, directory);
    for (const path of ["/books/1", "/docs", "/openapi.json"]) {
      expect((await request(instance, path)).status).toBe(200);
    }
    await instance.stop();
  });

  test("matches the names in the template", async () => {
    const { Properties } = (await readTemplate()).Resources.Service;
    expect(Properties).toMatchObject({ Handler: HANDLER, Runtime: "nodejs24.x" });
    expect(resolve(TEMPLATE, "..", Properties.CodeUri)).toBe(join(ROOT, "dist/lambda"));
  });

  test("is configured by the template with existing variables, and answers before its timeout", async () => {
    const { Environment, Timeout } = (await readTemplate()).Resources.Service.Properties;
    const names = Object.keys(Environment.Variables);
    expect(Object.keys(variables)).toEqual(expect.arrayContaining(names));
    expect(Number(Environment.Variables.REQUEST_TIMEOUT_SECONDS)).toBeLessThan(Timeout);
  });

  test("is described by a template whose references all exist", async () => {
    const { Parameters, Conditions, Resources } = await readTemplate();
    // SAM derives the URL's name from the function's.
    const names = Object.keys({ ...Parameters, ...Conditions, ...Resources, ServiceUrl: {} });
    const text = await Bun.file(TEMPLATE).text();
    const referred = text.matchAll(/(?:!Ref |!GetAtt |!If \[|!If\n\s+- )([\w:]+)/g);
    const missing = [...referred]
      .map(([, name = ""]) => name)
      .filter((name) => !name.startsWith("AWS::") && !names.includes(name));
    expect(missing).toEqual([]);
  });

  test("hides its secrets when AWS shows the stack", async () => {
    const { Parameters } = await readTemplate();
    expect(Parameters.ApiKey?.NoEcho).toBe(true);
    expect(Parameters.DatabaseUrl?.NoEcho).toBe(true);
  });
});

function run(cwd: string, ...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}
