import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { bundle } from "../../scripts/build/runtimes.ts";
import { CONTRACT_VARIABLES } from "../contract/api.ts";
import { migrateD1 } from "../d1.ts";
import { httpContract } from "../http.contract.ts";
import { createPostgres, freshDatabase, PASSWORD } from "../postgres.ts";
import { PLUGINS } from "../program.ts";
import { API_KEY, eventually, UNLIMITED, until } from "../service.ts";
import { D1_BINDING, hyperdrive, startWorker, type WorkerBindings } from "./worker.ts";

// On a busy machine, workerd and PostgreSQL start slowly.
setDefaultTimeout(60_000);

const MAX_GZIPPED_BYTES = 1_000_000;

const directory = mkdtempSync(join(tmpdir(), "thimble-workers-"));
const script = await bundle("workers", directory, PLUGINS);

afterAll(() => rmSync(directory, { recursive: true }));

const start = async (bindings: WorkerBindings) =>
  startWorker(await Bun.file(script).text(), { API_KEY, SEED: "true", ...UNLIMITED, ...bindings });

async function openTarget(bindings: WorkerBindings, release = async () => {}) {
  const worker = await start({ ...CONTRACT_VARIABLES, ...bindings });
  if (bindings.DB) await migrateD1(await worker.d1());
  return {
    baseUrl: worker.url,
    apiKey: API_KEY,
    fetch: (url: string, init?: RequestInit) => fetch(url, init),
    close: async () => {
      await worker.close();
      await release();
    },
  };
}

httpContract("workerd, D1", () => openTarget({ DB: D1_BINDING }));

httpContract("workerd, PostgreSQL behind Hyperdrive", async () => {
  const { url, drop } = await freshDatabase();
  return openTarget({ HYPERDRIVE: hyperdrive(url) }, drop);
});

describe("the bundle", () => {
  test("is one file", () => {
    expect(readdirSync(directory)).toEqual(["workers.mjs"]);
  });

  test(`has at most ${MAX_GZIPPED_BYTES} bytes after gzip`, async () => {
    const gzipped = Bun.gzipSync(await Bun.file(script).bytes());
    expect(gzipped.byteLength).toBeLessThan(MAX_GZIPPED_BYTES);
  });
});

describe("a configuration that cannot work", () => {
  const wrong: { what: string; bindings: WorkerBindings; problems: string[] }[] = [
    {
      what: "nothing at all",
      bindings: { API_KEY: "" },
      problems: [
        expect.stringContaining("no database: bind a D1 database as DB"),
        expect.stringContaining("API_KEY is not set"),
      ],
    },
    {
      what: "a SQLite file",
      bindings: { DATABASE_URL: "sqlite:s3cret.db" },
      problems: [expect.stringContaining("DATABASE_URL names a SQLite file")],
    },
    {
      what: "a secret's file, and a wrong variable",
      bindings: { DATABASE_URL: "memory:", DATABASE_PASSWORD_FILE: "/s3cret", LOG_LEVEL: "loud" },
      problems: [
        expect.stringContaining("DATABASE_PASSWORD_FILE is set, but there are no files here"),
        expect.stringContaining('LOG_LEVEL is "loud"; it must be'),
      ],
    },
  ];
  for (const { what, bindings, problems } of wrong) {
    test(`is logged at every request, without details for the client: ${what}`, async () => {
      await using worker = await start(bindings);
      for (const path of ["/healthz", "/books"]) {
        const response = await worker.fetch(path);
        expect(response.status).toBe(503);
        expect(await response.json()).toMatchObject({
          error: "Service not configured",
          detail: "The service is not configured; its log says why.",
        });
      }
      // The log of another process comes a little later than its answers.
      await until("both are logged", () => worker.log().length >= 2);
      const log = worker.log();
      expect(log).toHaveLength(2);
      for (const line of log) {
        expect(line).toMatchObject({
          level: "ERROR",
          message: "invalid configuration",
          problems,
        });
      }
      expect(JSON.stringify(log)).not.toContain("s3cret");
      expect(worker.noise()).toEqual([]);
    });
  }
});

describe("an instance", () => {
  test("describes itself at its first request, and never shows a secret", async () => {
    const { url, drop } = await freshDatabase();
    await using worker = await start({ DATABASE_URL: url });
    expect(worker.log()).toEqual([]);
    await worker.fetch("/books");
    await worker.fetch("/books");
    const messages = worker.log().map(({ message }) => message);
    expect(messages).toEqual(["instance started", "request", "request"]);
    expect(worker.log()[0]).toMatchObject({ database: "postgres", environment: "production" });
    const written = JSON.stringify([worker.log(), worker.noise()]);
    expect(written).not.toContain(API_KEY);
    expect(written).not.toContain(PASSWORD);
    await worker.close();
    await drop();
  });

  test("warns if its entries will be lost", async () => {
    await using worker = await start({ DATABASE_URL: "memory:" });
    await worker.fetch("/healthz");
    const { level } = await worker.logged(
      "entries last as long as this instance; bind a database to keep them",
    );
    expect(level).toBe("WARNING");
  });

  test("puts the trace into SQL and the log, and warns that it exports no spans", async () => {
    const { url, drop } = await freshDatabase();
    const OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:9";
    await using worker = await start({ DATABASE_URL: url, OTEL_EXPORTER_OTLP_ENDPOINT });
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const sampled = { traceparent: `00-${trace}-b7ad6b7169203331-01` };
    await worker.fetch("/books");
    const admin = postgres(url, { max: 2 });
    // A waiting statement is visible.
    let answer: Promise<Response> | undefined;
    const statement = await admin.begin(async (lock) => {
      await lock`LOCK TABLE books`;
      answer = worker.fetch("/books/1", { headers: sampled });
      return eventually("the statement is running", async () => {
        const rows = await admin`SELECT query FROM pg_stat_activity
          WHERE application_name = ${"thimble"} AND query LIKE ${"%traceparent%"}`;
        return rows[0]?.query as string | undefined;
      });
    });
    expect(statement).toMatch(new RegExp(`/\\*traceparent='00-${trace}-[0-9a-f]{16}-01'\\*/$`));
    expect((await answer)?.status).toBe(200);
    await eventually("the request is logged", () =>
      worker.log().find((line) => line.trace_id === trace && line.route === "/books/:id"),
    );
    await worker.logged("spans are not exported on this runtime; requests have trace ids");
    await admin.end();
    await worker.close();
    await drop();
  });

  test("serves others when the client of its first request disconnects", async () => {
    const server = await createPostgres();
    await server.start();
    await using worker = await start({ DATABASE_URL: server.url });
    await server.pause();
    const leaving = new AbortController();
    const gone = worker.fetch("/books", { signal: leaving.signal });
    await worker.logged("instance started");
    leaving.abort();
    await expect(gone).rejects.toThrow();
    server.resume();
    expect((await worker.fetch("/books")).status).toBe(200);
    await server.stop();
  });
});

const SEEDED = [
  { id: 1, title: "1984" },
  { id: 2, title: "To Kill a Mockingbird" },
];

describe("first requests that come together find the seed books, once:", () => {
  const databases = {
    D1: async () => ({ bindings: { DB: D1_BINDING }, drop: async () => {} }),
    PostgreSQL: async () => {
      const { url, drop } = await freshDatabase();
      return { bindings: { DATABASE_URL: url }, drop };
    },
  };
  for (const [name, open] of Object.entries(databases)) {
    test(name, async () => {
      const { bindings, drop } = await open();
      await using worker = await start(bindings);
      if (name === "D1") await migrateD1(await worker.d1());
      const requests = Array.from({ length: 10 }, () => worker.fetch("/books"));
      for (const response of await Promise.all(requests)) {
        expect(await response.json()).toMatchObject({ items: SEEDED });
      }
      await worker.close();
      await drop();
    });
  }
});

describe("without its database", () => {
  test("D1 without tables: 503, the log says how to make them, then it works", async () => {
    await using worker = await start({ DB: D1_BINDING });
    const response = await worker.fetch("/books");
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toBe("2");
    expect(await response.json()).toMatchObject({ error: "Database unavailable" });
    expect(await (await worker.fetch("/ready")).json()).toEqual({
      ready: false,
      checks: { api: "ok", database: "unavailable" },
    });
    const { cause } = await worker.logged("request refused");
    expect(cause).toContain("no such table");
    expect(cause).toContain("wrangler d1 migrations apply DB --remote");
    await migrateD1(await worker.d1());
    expect(await (await worker.fetch("/books")).json()).toMatchObject({ items: SEEDED });
    expect((await worker.fetch("/ready")).status).toBe(200);
  });

  test("PostgreSQL that is down, starts, hangs, and stops: 503 until it answers", async () => {
    const server = await createPostgres();
    await using worker = await start({ DATABASE_URL: server.url });
    const books = async () => (await worker.fetch("/books")).status;
    const ready = async () => (await worker.fetch("/ready")).status;
    expect([await books(), await ready()]).toEqual([503, 503]);
    expect((await worker.logged("request refused")).cause).toContain("cannot connect");
    await server.start();
    expect([await books(), await ready()]).toEqual([200, 200]);
    await server.pause();
    expect(await Promise.all([books(), ready()])).toEqual([503, 503]);
    server.resume();
    expect([await books(), await ready()]).toEqual([200, 200]);
    await server.stop();
    expect([await books(), await ready()]).toEqual([503, 503]);
    expect((await worker.fetch("/healthz")).status).toBe(200);
    expect(worker.log().filter(({ level }) => level === "ERROR")).toEqual([]);
    expect(worker.noise()).toEqual([]);
  });
});
