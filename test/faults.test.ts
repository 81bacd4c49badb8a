import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres, { type Sql } from "postgres";
import { type CertificateName, pem, replaceFile, type SignedName } from "./certificate.ts";
import { type ChildService, runService, startService } from "./child-service.ts";
import type { Book } from "./contract/api.ts";
import { readValue } from "./exposition.ts";
import { MOUNTING, mayMount, mountAt } from "./mount.ts";
import { createPostgres, PASSWORD, type PostgresServer } from "./postgres.ts";
import { type LogLine, until } from "./service.ts";
import { openSilentProxy } from "./silent-proxy.ts";

setDefaultTimeout(60_000);

/** Readiness for a server that refuses; on a busy machine, the check's second may pass first. */
const DOWN = /^(unavailable|timeout)$/;

const DUNE = { title: "Dune", author: "Frank Herbert", year: 1965 };

/** The resources of a test; all are removed when the test ends. */
type Bench = {
  directory: string;
  start: (variables: Record<string, string>) => Promise<ChildService>;
  /** Runs when the test ends, the latest first. */
  defer: (cleanUp: () => unknown) => void;
};

/** Most of these tests wait for a timeout of the service, so they run concurrently. */
function faultTest(name: string, body: (bench: Bench) => Promise<void>, runs = true): void {
  test.concurrent.if(runs)(name, async () => {
    const directory = mkdtempSync(join(tmpdir(), "thimble-faults-"));
    const cleanUps: (() => unknown)[] = [() => rmSync(directory, { recursive: true })];
    const defer = (cleanUp: () => unknown) => cleanUps.unshift(cleanUp);
    const start = async (variables: Record<string, string>) => {
      const service = await startService(variables);
      defer(service.kill);
      return service;
    };
    try {
      await body({ directory, start, defer });
    } finally {
      for (const cleanUp of cleanUps) await cleanUp();
    }
  });
}

describe("PostgreSQL that fails", () => {
  const startPostgres = async ({ defer }: Bench) => {
    const server = await createPostgres();
    await server.start();
    defer(server.stop);
    return server;
  };

  faultTest("down at the start: the rest works, and books when it is up", async (bench) => {
    const server = await startPostgres(bench);
    await server.stop();
    const service = await bench.start({ DATABASE_URL: server.url });
    expect(service.log()).toContainEqual(
      expect.objectContaining({
        level: "WARNING",
        message: "database unreachable; serving without it until it answers",
        cause: expect.stringContaining("ECONNREFUSED"),
      }),
    );
    await expectWithoutBooks(service, DOWN);
    await server.start();
    await untilReady(service);
    expect(await getJson(service, "/books")).toMatchObject({ items: [] });
    expect((await service.send("POST", "/books", DUNE)).status).toBe(201);
  });

  for (const answers of [1, 2]) {
    faultTest(
      `silent after ${answers} answers: it listens, and goes on by another connection`,
      async (bench) => {
        const server = await startPostgres(bench);
        const all = Number.POSITIVE_INFINITY;
        const proxy = await openSilentProxy(server.url, (made) => (made === 1 ? answers : all));
        bench.defer(proxy.close);
        const service = await bench.start({ DATABASE_URL: proxy.url });
        expect(service.log()).toContainEqual(
          expect.objectContaining({
            message: "database unreachable; serving without it until it answers",
            cause: expect.stringContaining("No answer"),
          }),
        );
        await untilReady(service);
        expect((await service.send("POST", "/books", DUNE)).status).toBe(201);
      },
    );
  }

  faultTest("silent for a while: 503, and it goes on by another connection", async (bench) => {
    const server = await startPostgres(bench);
    const proxy = await openSilentProxy(server.url);
    bench.defer(proxy.close);
    const service = await bench.start({ DATABASE_URL: proxy.url, DATABASE_POOL_SIZE: "1" });
    proxy.silence();
    await expectUnavailable(await service.send("POST", "/books", DUNE));
    await untilReady(service);
    expect((await service.send("POST", "/books", DUNE)).status).toBe(201);
  });

  faultTest(
    "slow for one: the others are answered meanwhile, as the metrics tell",
    async (bench) => {
      const server = await startPostgres(bench);
      const sql = postgres(server.url, { max: 1 });
      bench.defer(() => sql.end());
      const service = await bench.start({ DATABASE_URL: server.url, DATABASE_POOL_SIZE: "2" });
      await sql.begin(async (transaction) => {
        const isWaiting = async () => {
          const [row] =
            await transaction`SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted`;
          return Number(row?.waiting) === 1;
        };
        await transaction`LOCK TABLE schema_migrations`;
        const ready = service.fetch("/ready");
        await until("it waits", isWaiting);
        const readers = Array.from({ length: 40 }, () => service.fetch("/books/2"));
        for (const reader of await Promise.all(readers)) expect(reader.status).toBe(200);
        const metrics = await (await service.send("GET", "/metrics")).text();
        expect(await isWaiting()).toBe(true);
        expect(readValue(metrics, "thimble_database_pool_size")).toBe(2);
        expect(readValue(metrics, "thimble_database_pool_in_use")).toBe(1);
        expect(readValue(metrics, "thimble_database_pool_waiting")).toBe(0);
        expect((await ready).status).toBe(503);
      });
    },
  );

  faultTest("restarted: nothing but 503 in between, and no book is lost", async (bench) => {
    const server = await startPostgres(bench);
    const service = await bench.start({ DATABASE_URL: server.url, SEED: "false" });
    const client = keepWriting(service);
    for (let restart = 0; restart < 3; restart += 1) {
      await until("books are written", client.wrote);
      await server.stop();
      await expectWithoutBooks(service, DOWN);
      await server.start();
      await untilReady(service);
    }
    await until("books are written", client.wrote);
    const { statuses, acknowledged } = await client.stop();
    expect([...statuses].sort()).toEqual([201, 503]);
    for (const id of acknowledged) {
      expect((await service.fetch(`/books/${id}`)).status).toBe(200);
    }
  });

  faultTest("a locked row fails its writers, and no connection is given up", async (bench) => {
    const server = await startPostgres(bench);
    const sql = postgres(server.url, { max: 1 });
    bench.defer(() => sql.end());
    const service = await bench.start({ DATABASE_URL: server.url, DATABASE_POOL_SIZE: "2" });
    await sql.begin(async (transaction) => {
      await transaction`SELECT id FROM books WHERE id = 1 FOR UPDATE`;
      const writers = Array.from({ length: 5 }, () => service.send("PUT", "/books/1", { year: 1 }));
      await until("every connection waits", async () => {
        const [row] = await transaction`SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted`;
        return Number(row?.waiting) === 2;
      });
      for (const writer of writers) await expectUnavailable(await writer);
    });
    expect((await service.send("PUT", "/books/1", { year: 1 })).status).toBe(200);
    expect(service.log().filter(({ cause }) => /DESTROYED/.test(String(cause)))).toEqual([]);
  });

  faultTest("a full pool that waits for a lock leaves the service ready", async (bench) => {
    const server = await startPostgres(bench);
    const sql = postgres(server.url, { max: 1 });
    bench.defer(() => sql.end());
    const service = await bench.start({ DATABASE_URL: server.url, DATABASE_POOL_SIZE: "10" });
    const writers = await sql.begin(async (transaction) => {
      await transaction`SELECT id FROM books WHERE id = 1 FOR UPDATE`;
      const waiting = Array.from({ length: 12 }, () =>
        service.send("PUT", "/books/1", { year: 1 }),
      );
      await until("every connection waits", async () => {
        const [row] = await transaction`SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted`;
        return Number(row?.waiting) === 10;
      });
      expect(await getJson(service, "/ready")).toEqual({
        ready: true,
        checks: { api: "ok", database: "ok" },
      });
      return waiting;
    });
    for (const writer of await Promise.all(writers)) expect(writer.status).toBe(200);
  });

  faultTest("READY_WITHOUT_DATABASE: ready while it is away, if it has answered", async (bench) => {
    const server = await startPostgres(bench);
    const env = { DATABASE_URL: server.url, READY_WITHOUT_DATABASE: "true" };
    const first = await bench.start(env);
    await untilReady(first);
    await server.stop();
    expect(await getJson(first, "/ready")).toEqual({
      ready: true,
      checks: { api: "ok", database: expect.stringMatching(DOWN) },
    });
    expect((await first.fetch("/books")).status).toBe(503);
    const later = await bench.start(env);
    expect((await later.fetch("/ready")).status).toBe(503);
    await server.start();
    await untilReady(later);
  });

  faultTest("READY_WITHOUT_DATABASE: never ready with a wrong password", async (bench) => {
    const server = await startPostgres(bench);
    const url = new URL(server.url);
    url.password = "wrong";
    const service = await bench.start({ DATABASE_URL: url.href, READY_WITHOUT_DATABASE: "true" });
    for (let turn = 0; turn < 3; turn += 1) {
      expect((await service.fetch("/ready")).status).toBe(503);
    }
  });

  faultTest("what was answered with a 503 is not written later", async (bench) => {
    const server = await startPostgres(bench);
    const sql = postgres(server.url, { max: 2 });
    bench.defer(() => sql.end());
    const service = await bench.start({ DATABASE_URL: server.url, DATABASE_POOL_SIZE: "1" });
    await sql.begin(async (transaction) => {
      const waits = (query: string) =>
        until(`it waits for a lock in ${query}`, async () => {
          const [row] = await sql`SELECT count(*) AS waiting FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND query LIKE ${`${query}%`}`;
          return Number(row?.waiting) === 1;
        });
      await transaction`SELECT id FROM books WHERE id = 1 FOR UPDATE`;
      await transaction`LOCK TABLE books IN SHARE MODE`;
      const first = service.send("PATCH", "/books/1", { year: 1 });
      await waits("UPDATE");
      const crowd = [
        service.send("POST", "/books", { ...DUNE, title: "In flight" }),
        service.send("POST", "/books", { ...DUNE, title: "Waiting" }),
        service.send("PATCH", "/books/1", { year: 2 }),
      ];
      await expectUnavailable(await first);
      await waits("INSERT");
      for (const response of await Promise.all(crowd)) await expectUnavailable(response);
    });
    expect((await service.send("POST", "/books", DUNE)).status).toBe(201);
    const books = await everyBook(service);
    expect(books.map(({ title }) => title)).toEqual(["1984", "To Kill a Mockingbird", "Dune"]);
    expect(books[0]?.year).toBe(1949);
  });

  faultTest("a write that waits for a lock when its time is over is never done", async (bench) => {
    const server = await startPostgres(bench);
    const sql = postgres(server.url, { max: 1 });
    bench.defer(() => sql.end());
    const service = await bench.start({
      ...{ DATABASE_URL: server.url, DATABASE_POOL_SIZE: "1", REQUEST_TIMEOUT_SECONDS: "1" },
    });
    await sql.begin(async (transaction) => {
      await transaction`LOCK TABLE books IN SHARE MODE`;
      const writes = [
        service.send("POST", "/books", DUNE),
        service.send("POST", "/books", DUNE, { "Idempotency-Key": "late" }),
        service.send("PATCH", "/books/1", { year: 1 }),
        service.send("DELETE", "/books/2"),
      ];
      for (const write of writes) await expectTimeout(await write);
    });
    expect((await service.send("POST", "/books", { ...DUNE, title: "Emma" })).status).toBe(201);
    const books = await everyBook(service);
    expect(books.map(({ title }) => title)).toEqual(["1984", "To Kill a Mockingbird", "Emma"]);
    expect(books[0]?.year).toBe(1949);
  });

  faultTest("a migration waits for another instance's, however long that takes", async (bench) => {
    const server = await startPostgres(bench);
    const sql = postgres(server.url, { max: 1 });
    bench.defer(() => sql.end());
    const sessions = async () => {
      const [row] = await sql`SELECT max(now() - query_start) > interval '6 seconds' AS patient
        FROM pg_stat_activity WHERE wait_event = 'advisory'`;
      return row?.patient === true;
    };
    await sql`SELECT pg_advisory_lock(${0x74686d62})`;
    const starting = bench.start({ DATABASE_URL: server.url });
    await until("it has waited longer than any statement of a request may", sessions);
    await sql`SELECT pg_advisory_unlock(${0x74686d62})`;
    expect((await (await starting).fetch("/ready")).status).toBe(200);
  });

  faultTest("a crowd that asks whether it is ready keeps nobody from books", async (bench) => {
    const server = await startPostgres(bench);
    const sql = postgres(server.url, { max: 1 });
    bench.defer(() => sql.end());
    const service = await bench.start({ DATABASE_URL: server.url, DATABASE_POOL_SIZE: "2" });
    await sql.begin(async (transaction) => {
      await transaction`LOCK TABLE schema_migrations`;
      const crowd = Array.from({ length: 50 }, async () => {
        const response = await service.fetch("/ready");
        return { status: response.status, answer: await response.json() };
      });
      // Of the two connections, the other may be in use for the maintenance, for a moment.
      await until("one connection is in use, and nobody waits", async () => {
        const metrics = await (await service.send("GET", "/metrics")).text();
        return (
          readValue(metrics, "thimble_database_pool_in_use") === 1 &&
          readValue(metrics, "thimble_database_pool_waiting") === 0
        );
      });
      for (const { status, answer } of await Promise.all(crowd)) {
        expect([status, answer]).toEqual([
          503,
          { ready: false, checks: { api: "ok", database: "timeout" } },
        ]);
      }
    });
    await untilReady(service);
  });

  for (const isolation of ["repeatable read", "serializable"]) {
    faultTest(
      `whose default isolation is ${isolation}: no write fails because of another`,
      async (bench) => {
        const server = await startPostgres(bench);
        const sql = postgres(server.url, { max: 1 });
        bench.defer(() => sql.end());
        const url = await createDatabase(sql, server, "isolated");
        await sql.unsafe(
          `ALTER DATABASE isolated SET default_transaction_isolation = '${isolation}'`,
        );
        // Their migrations run at the same time too.
        const services = await Promise.all([1, 2].map(() => bench.start({ DATABASE_URL: url })));
        const each = (send: (service: ChildService) => Promise<Response>) =>
          Promise.all(Array.from({ length: 10 }, () => services.map(send)).flat());
        const changed = await each(({ send }) => send("PATCH", "/books/1", { year: 1 }));
        const key = { "Idempotency-Key": "once" };
        const added = await each(({ send }) => send("POST", "/books", DUNE, key));
        const statuses = (responses: Response[]) => [
          ...new Set(responses.map(({ status }) => status)),
        ];
        expect([statuses(changed), statuses(added)]).toEqual([[200], [201]]);
        expect(await everyBook(services[0] as ChildService)).toHaveLength(3);
      },
    );
  }

  faultTest("with a lock_timeout: a locked row is a 503, and migrations wait", async (bench) => {
    const server = await startPostgres(bench);
    const sql = postgres(server.url, { max: 1 });
    bench.defer(() => sql.end());
    const url = await createDatabase(sql, server, "impatient");
    await sql`ALTER DATABASE impatient SET lock_timeout = '200ms'`;
    const lock = postgres(server.url, { database: "impatient", max: 1 });
    bench.defer(() => lock.end());
    await lock`SELECT pg_advisory_lock(${0x74686d62})`;
    const starting = bench.start({ DATABASE_URL: url });
    await until("a migration has waited longer than that", async () => {
      const [row] =
        await sql`SELECT max(now() - query_start) > interval '400 milliseconds' AS patient
        FROM pg_stat_activity WHERE wait_event = 'advisory'`;
      return row?.patient === true;
    });
    await lock`SELECT pg_advisory_unlock(${0x74686d62})`;
    const service = await starting;
    expect(service.log().filter(({ level }) => level === "WARNING")).toEqual([]);
    await lock.begin(async (transaction) => {
      await transaction`SELECT id FROM books WHERE id = 1 FOR UPDATE`;
      await expectUnavailable(await service.send("PATCH", "/books/1", { year: 1 }));
    });
    expect((await service.send("PATCH", "/books/1", { year: 1 })).status).toBe(200);
  });

  faultTest("frozen: answers 503 instead of hanging, and goes on afterwards", async (bench) => {
    const server = await startPostgres(bench);
    const service = await bench.start({ DATABASE_URL: server.url, DATABASE_POOL_SIZE: "2" });
    expect((await service.send("POST", "/books", DUNE)).status).toBe(201);
    await server.pause();
    bench.defer(server.resume);
    const crowd = Array.from({ length: 20 }, () => service.fetch("/books"));
    await expectWithoutBooks(service, "timeout");
    for (const response of await Promise.all(crowd)) await expectUnavailable(response);
    server.resume();
    await untilReady(service);
    expect(await getJson(service, "/books/3")).toMatchObject(DUNE);
    expect((await service.send("PATCH", "/books/3", { year: 1966 })).status).toBe(200);
  });

  describe("and is repaired", () => {
    type Fault = {
      what: string;
      /** The name of both the role and the database. */
      harm: (name: string) => string;
      mend: (name: string) => string;
      /** The cause in the log. */
      cause: RegExp;
    };
    const faults: Fault[] = [
      {
        what: "another password",
        harm: (name) => `ALTER ROLE ${name} PASSWORD 'another'`,
        mend: (name) => `ALTER ROLE ${name} PASSWORD '${PASSWORD}'`,
        cause: /password authentication failed/,
      },
      {
        what: "a role that may not log in",
        harm: (name) => `ALTER ROLE ${name} NOLOGIN`,
        mend: (name) => `ALTER ROLE ${name} LOGIN`,
        cause: /not permitted to log in/,
      },
      {
        what: "no such database",
        harm: (name) => `ALTER DATABASE ${name} RENAME TO ${name}_elsewhere`,
        mend: (name) => `ALTER DATABASE ${name}_elsewhere RENAME TO ${name}`,
        cause: /does not exist/,
      },
      {
        what: "too many connections",
        harm: (name) => `ALTER ROLE ${name} CONNECTION LIMIT 0`,
        mend: (name) => `ALTER ROLE ${name} CONNECTION LIMIT -1`,
        cause: /too many connections/,
      },
      {
        what: "a database that may only be read",
        harm: (name) => `ALTER DATABASE ${name} SET default_transaction_read_only = on`,
        mend: (name) => `ALTER DATABASE ${name} RESET default_transaction_read_only`,
        cause: /read-only transaction/,
      },
    ];

    faultTest(`(${faults.map(({ what }) => what).join("; ")})`, async (bench) => {
      const server = await startPostgres(bench);
      const sql = postgres(server.url, { max: 1 });
      bench.defer(() => sql.end());
      await Promise.all(
        faults.map(async ({ harm, mend, cause }, index) => {
          const name = `fault_${index}`;
          const url = await createDatabase(sql, server, name);
          await sql.unsafe(harm(name));
          const service = await bench.start({ DATABASE_URL: url });
          const warning = service.log().find(({ level }) => level === "WARNING");
          expect(warning?.cause).toMatch(cause);
          await expectWithoutBooks(service, DOWN);
          await sql.unsafe(mend(name));
          await untilReady(service);
          expect((await service.send("POST", "/books", DUNE)).status).toBe(201);
        }),
      );
    });
  });

  faultTest("that may only be read for a while: reads go on, and writes again", async (bench) => {
    const server = await startPostgres(bench);
    const sql = postgres(server.url, { max: 1 });
    bench.defer(() => sql.end());
    const url = await createDatabase(sql, server, "fault");
    const service = await bench.start({ DATABASE_URL: url });
    await sql`ALTER DATABASE fault SET default_transaction_read_only = on`;
    await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'fault'`;
    await until("a write is refused", async () => {
      return (await service.send("POST", "/books", DUNE)).status === 503;
    });
    for (const _time of [1, 2]) {
      await expectUnavailable(await service.send("POST", "/books", DUNE));
      expect((await service.fetch("/books/1")).status).toBe(200);
      expect(await readinessOf(service)).toEqual([200, "read_only"]);
    }
    await sql`ALTER DATABASE fault RESET default_transaction_read_only`;
    await until("a book is written", async () => {
      return (await service.send("POST", "/books", DUNE)).status === 201;
    });
    expect(await readinessOf(service)).toEqual([200, "ok"]);
  });

  describe("and is not for this service", () => {
    type Unfit = { what: string; create: string; harm?: string; says: RegExp };
    const ANOTHERS =
      /has a table schema_migrations of another tool \(.*version .*\); nothing was changed/;
    const unfit: Unfit[] = [
      {
        what: "in LATIN1",
        create: "ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0",
        says: /has the encoding LATIN1, .* Create one with ENCODING 'UTF8'/,
      },
      {
        what: "in no encoding",
        create: "ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0",
        says: /has the encoding SQL_ASCII/,
      },
      {
        what: "with golang-migrate's table",
        create: "",
        harm: "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
        says: ANOTHERS,
      },
      {
        what: "with the table of Rails and dbmate",
        create: "",
        harm: "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)",
        says: ANOTHERS,
      },
    ];

    faultTest(`(${unfit.map(({ what }) => what).join("; ")})`, async (bench) => {
      const server = await startPostgres(bench);
      const sql = postgres(server.url, { max: 1 });
      bench.defer(() => sql.end());
      const urls: string[] = [];
      for (const [index, { create, harm, says }] of unfit.entries()) {
        const url = new URL(server.url);
        url.pathname = `unfit_${index}`;
        urls.push(url.href);
        await sql.unsafe(`CREATE DATABASE unfit_${index} ${create}`);
        const there = postgres(url.href, { max: 1 });
        if (harm) await there.unsafe(harm);
        const { code, stderr } = await runService({ DATABASE_URL: url.href });
        expect(stderr).toMatch(says);
        expect(stderr.trimEnd()).not.toContain("\n");
        expect(code).toBe(78);
        const tables = await there`SELECT relname FROM pg_class
          WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`;
        expect(tables.map(({ relname }) => relname)).toEqual(harm ? ["schema_migrations"] : []);
        await there.end();
      }
      await sql.end();
      await server.stop();
      const services = await Promise.all(urls.map((DATABASE_URL) => bench.start({ DATABASE_URL })));
      await server.start();
      for (const [index, service] of services.entries()) {
        const isRefused = ({ message, cause }: LogLine) =>
          message === "request refused" && unfit[index]?.says.test(String(cause));
        await until("the log says why", async () => {
          await expectUnavailable(await service.fetch("/books"));
          return service.log().some(isRefused);
        });
      }
    });
  });

  describe("whose certificate", () => {
    type Distrust = { what: string; certificate: CertificateName | SignedName; cause: RegExp };
    const distrusted: Distrust[] = [
      { what: "no CA has signed", certificate: "first", cause: /self.signed certificate/ },
      { what: "another CA has signed", certificate: "signed", cause: /unable to verify/ },
      { what: "has another name", certificate: "elsewhere", cause: /does not match certificate/ },
      { what: "has expired", certificate: "expired", cause: /certificate has expired/ },
    ];
    for (const { what, certificate, cause } of distrusted) {
      faultTest(`${what}: 503, and the reason is in the log`, async (bench) => {
        const server = await startPostgres(bench);
        await server.setCertificate(certificate);
        const ca = certificate === "elsewhere" ? "authority.crt" : "second.crt";
        const DATABASE_CA_FILE = write(bench.directory, pem(ca), "ca.pem");
        for (const variables of [
          { DATABASE_URL: server.url, DATABASE_CA_FILE },
          { DATABASE_URL: `${server.url}?sslmode=verify-full&sslrootcert=${DATABASE_CA_FILE}` },
        ]) {
          const service = await bench.start(variables);
          const warning = service.log().find(({ level }) => level === "WARNING");
          expect(warning?.cause).toMatch(cause);
          await expectWithoutBooks(service, DOWN);
        }
      });
    }

    /** Whether every connection of the service is. */
    const areEncrypted = async ({ url }: PostgresServer) => {
      const sql = postgres(url, { max: 1 });
      const [row] = await sql`SELECT bool_and(ssl) AS all
        FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'thimble'`;
      await sql.end();
      return row?.all;
    };

    faultTest("a CA of one's own has signed, and then another: it is accepted", async (bench) => {
      const server = await startPostgres(bench);
      await server.setCertificate("first");
      const sql = postgres(server.url, { max: 1 });
      bench.defer(() => sql.end());
      const DATABASE_CA_FILE = write(bench.directory, pem("first.crt"), "ca.pem");
      const service = await bench.start({ DATABASE_URL: server.url, DATABASE_CA_FILE });
      expect((await service.send("POST", "/books", DUNE)).status).toBe(201);
      expect(await areEncrypted(server)).toBe(true);

      await server.setCertificate("signed");
      await until("it is refused", async () => {
        await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = 'thimble'`;
        return (await service.fetch("/books/1")).status === 503;
      });
      const isRefusal = ({ message, cause }: LogLine) =>
        message === "request refused" && /unable to verify/.test(String(cause));
      await until("the log says why", async () => {
        await expectUnavailable(await service.fetch("/books/1"));
        return service.log().some(isRefusal);
      });
      replaceFile(DATABASE_CA_FILE, pem("authority.crt"));
      await untilReady(service);
      expect((await service.send("POST", "/books", DUNE)).status).toBe(201);
    });

    faultTest("is not asked for: it is encrypted all the same", async (bench) => {
      const server = await startPostgres(bench);
      await server.setCertificate("expired");
      const service = await bench.start({ DATABASE_URL: `${server.url}?sslmode=require` });
      expect((await service.send("POST", "/books", DUNE)).status).toBe(201);
      expect(await areEncrypted(server)).toBe(true);
    });
  });

  faultTest("without TLS, which is required: 503", async (bench) => {
    const server = await startPostgres(bench);
    const service = await bench.start({ DATABASE_URL: `${server.url}?sslmode=require` });
    await expectWithoutBooks(service, DOWN);
  });

  faultTest("that has no route to it: 503", async (bench) => {
    const service = await bench.start({ DATABASE_URL: "postgres://u@[fe80::1]/n" });
    await expectWithoutBooks(service, DOWN);
  });

  describe("on several servers", () => {
    const hostOf = ({ url }: PostgresServer) => new URL(url).host;
    const over = ({ url }: PostgresServer, hosts: string, parameters = "") =>
      `${url.replace(/@[^/]+/, `@${hosts}`)}?${parameters}`;

    faultTest(
      "goes on with the next where one is down, and says why where all are",
      async (bench) => {
        const [first, second] = [await startPostgres(bench), await startPostgres(bench)];
        await first.stop();
        const hosts = `${hostOf(first)},${hostOf(second)}`;
        const service = await bench.start({ DATABASE_URL: over(second, hosts) });
        expect((await service.send("POST", "/books", DUNE)).status).toBe(201);
        await second.stop();
        await expectWithoutBooks(service, DOWN);
        await until("the log says why", async () => {
          await expectUnavailable(await service.fetch("/books"));
          return service.log().some(({ cause }) => /ECONNREFUSED/.test(String(cause)));
        });
        await second.start();
        await untilReady(service);
        expect((await service.fetch("/books/3")).status).toBe(200);
      },
    );

    faultTest("takes the one that may be written", async (bench) => {
      const [first, second] = [await startPostgres(bench), await startPostgres(bench)];
      const sql = postgres(first.url, { max: 1 });
      bench.defer(() => sql.end());
      await sql`ALTER SYSTEM SET default_transaction_read_only = on`;
      await sql`SELECT pg_reload_conf()`;
      const hosts = `${hostOf(first)},${hostOf(second)}`;
      const DATABASE_URL = over(second, hosts, "target_session_attrs=read-write");
      const service = await bench.start({ DATABASE_URL });
      expect((await service.send("POST", "/books", DUNE)).status).toBe(201);
      const { code, stdout } = await runService({ DATABASE_URL }, ["export", "books"]);
      expect({ code, lines: stdout.trim().split("\n").length }).toEqual({ code: 0, lines: 3 });
    });
  });

  faultTest("with settings of its own: they change nothing", async (bench) => {
    const server = await startPostgres(bench);
    const sql = postgres(server.url, { max: 1 });
    bench.defer(() => sql.end());
    const url = await createDatabase(sql, server, "odd");
    const settings = {
      DateStyle: "German",
      IntervalStyle: "sql_standard",
      TimeZone: "America/St_Johns",
      extra_float_digits: "-15",
      bytea_output: "escape",
      standard_conforming_strings: "off",
      array_nulls: "off",
      gin_fuzzy_search_limit: "1",
      client_encoding: "LATIN1",
      statement_timeout: "1ms",
      idle_in_transaction_session_timeout: "1min",
    };
    for (const [name, value] of Object.entries(settings)) {
      for (const of of ["DATABASE", "ROLE"])
        await sql.unsafe(`ALTER ${of} odd SET ${name} = '${value}'`);
    }
    const service = await bench.start({ DATABASE_URL: url });
    const book = { title: "日本 \\ ?", author: "O'Brien \\'", year: 1 };
    for (let turn = 0; turn < 20; turn += 1) {
      expect((await service.send("POST", "/books", book)).status).toBe(201);
    }
    const added = await service.send("POST", "/books", book);
    const created = (await added.json()) as Book;
    expect(created).toMatchObject(book);
    expect(Math.abs(Date.parse(created.created_at) - Date.now())).toBeLessThan(600_000);
    const changed = await service.send("PATCH", `/books/${created.id}`, { year: 2 });
    expect(await changed.json()).toMatchObject({ year: 2, created_at: created.created_at });
    const found = await everyBook(service, `&q=${encodeURIComponent("日本")}`);
    expect(found).toHaveLength(21);
    expect(service.log().filter(({ level }) => level === "WARNING")).toEqual([]);
  });

  async function createDatabase(sql: Sql, { url }: PostgresServer, name: string): Promise<string> {
    await sql.unsafe(`CREATE ROLE ${name} LOGIN PASSWORD '${PASSWORD}'`);
    await sql.unsafe(`CREATE DATABASE ${name} OWNER ${name}`);
    const its = new URL(url);
    its.username = name;
    its.pathname = name;
    return its.href;
  }
});

describe("a SQLite file that cannot serve", () => {
  type Fault = {
    what: string;
    /** Prepares the fault, and returns the path of the file. */
    harm: (directory: string, bench: Bench) => string | Promise<string>;
    says: RegExp;
    runs?: boolean;
  };

  const NOT_A_DATABASE = /it is not a SQLite database; nothing was changed in it/;
  const CORRUPT = /it is corrupt; nothing was changed in it/;
  const ANOTHERS = /another application's SQLite database/;
  const NOT_WRITABLE = /it, or its directory, is not writable/;
  const faults: Fault[] = [
    {
      what: "its directory would be under a file",
      harm: (directory) => {
        writeFileSync(join(directory, "file"), "");
        return join(directory, "file/data/books.db");
      },
      says: /ENOTDIR|EEXIST/,
    },
    {
      what: "it is a directory",
      harm: (directory) => {
        mkdirSync(join(directory, "books.db"));
        return join(directory, "books.db");
      },
      says: NOT_WRITABLE,
    },
    {
      what: "its directory takes no files (/proc)",
      harm: () => "/proc/books.db",
      says: NOT_WRITABLE,
      runs: process.platform === "linux",
    },
    {
      what: "it is text",
      harm: (directory) => write(directory, Buffer.from("What I have to do\n".repeat(1000))),
      says: NOT_A_DATABASE,
    },
    {
      what: "it is a few bytes",
      harm: (directory) => write(directory, Buffer.from("1,2,3\n")),
      says: NOT_A_DATABASE,
    },
    {
      what: "its header is damaged",
      harm: async (directory) => damage(await makeBooks(directory), 0, 16),
      says: NOT_A_DATABASE,
    },
    {
      what: "its schema is damaged",
      harm: async (directory) => damage(await makeBooks(directory), 100, 3996),
      says: CORRUPT,
    },
    {
      what: "every page but the first is damaged",
      harm: async (directory) => damage(await makeBooks(directory), 4096, Number.MAX_SAFE_INTEGER),
      says: CORRUPT,
    },
    {
      what: "it ends after the first page",
      harm: async (directory) => {
        const path = await makeBooks(directory);
        truncateSync(path, 4096);
        return path;
      },
      says: CORRUPT,
    },
    {
      what: "it is another application's, by its tables",
      harm: (directory) => makeAnother(directory, "CREATE TABLE books (isbn TEXT)"),
      says: ANOTHERS,
    },
    {
      what: "it is another application's, by its application id",
      harm: (directory) => makeAnother(directory, "PRAGMA application_id = 42"),
      says: ANOTHERS,
    },
    {
      what: "another process writes it and does not end",
      harm: async (directory, bench) => {
        const path = await makeBooks(directory);
        await holdLock(bench, path, "BEGIN IMMEDIATE");
        return path;
      },
      says: /another process has locked it/,
    },
    {
      what: "another process has it for itself",
      harm: async (directory, bench) => {
        const path = join(directory, "books.db");
        await holdLock(bench, path, "BEGIN EXCLUSIVE");
        return path;
      },
      says: /another process has locked it/,
    },
  ];

  const faultsOfTheDisk: Fault[] = [
    {
      what: "its file system is read-only",
      harm: async (directory, bench) => {
        mount(bench, "ro");
        return join(directory, "books.db");
      },
      says: NOT_WRITABLE,
    },
    {
      what: "its file system became read-only",
      harm: async (directory, bench) => {
        mount(bench, "rw");
        const path = await makeBooks(directory);
        mount(bench, "remount,ro");
        return path;
      },
      says: NOT_WRITABLE,
    },
    ...["4k", "16k", "64k"].map((size) => ({
      what: `its disk has room for ${size}`,
      harm: (directory: string, bench: Bench) => {
        mount(bench, `size=${size}`);
        return join(directory, "books.db");
      },
      says: /the disk is full/,
    })),
  ];
  faults.push(
    ...faultsOfTheDisk.map((fault) => ({
      ...fault,
      what: fault.what + MOUNTING,
      runs: mayMount,
    })),
  );

  for (const { what, harm, says, runs } of faults) {
    faultTest(
      `${what}: reports it, exits, and leaves the file unchanged`,
      async (bench) => {
        const path = await harm(bench.directory, bench);
        const before = contents(bench.directory);
        const { code, stdout, stderr } = await runService({ DATABASE_URL: `sqlite:${path}` });
        expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
        expect(stderr).toStartWith(`thimble: Cannot use the SQLite file ${path}: `);
        expect(stderr).toMatch(says);
        expect(stderr.trimEnd()).not.toContain("\n");
        const wasThere = Object.keys(before).length > 0;
        if (wasThere) expect(contents(bench.directory)).toEqual(before);
      },
      runs,
    );
  }
});

describe("a SQLite file that fails while it serves", () => {
  faultTest(
    `the disk is full: writes get a 503, reads continue, and writes work again when there is space${MOUNTING}`,
    async (bench) => {
      mount(bench, "size=1m");
      const service = await bench.start({ DATA_DIR: bench.directory, SEED: "false" });
      const kept = new Map<number, Book>();
      const send = async (method: string, id: number | undefined, input?: object) => {
        const response = await service.send(method, id ? `/books/${id}` : "/books", input);
        if (response.status === 503) return response;
        if (id !== undefined && response.status === 204) return void kept.delete(id);
        const book = (await response.json()) as Book;
        expect(response.status).toBe(id ? 200 : 201);
        kept.set(book.id, book);
        return undefined;
      };
      const newest = () => Math.max(...kept.keys());
      for (const write of [
        () => send("POST", undefined, { ...DUNE, title: "x".repeat(255) }),
        () => send("POST", undefined, DUNE),
        () => send("PUT", 1, { title: "y".repeat(255) }),
        () => send("DELETE", newest()),
        () => send("POST", undefined, DUNE),
      ]) {
        let refusal = await write();
        while (!refusal) refusal = await write();
        await expectUnavailable(refusal);
      }
      const key = { "Idempotency-Key": "key" };
      await expectUnavailable(await service.send("POST", "/books", DUNE, key));
      const books = await everyBook(service);
      expect(books.length).toBeGreaterThan(3);
      expect(books).toEqual([...kept.values()]);
      expect(await everyBook(service, "&q=herbert")).toEqual(books);
      expect(await getJson(service, "/books/1")).toEqual(books[0]);
      expect(await readinessOf(service)).toEqual([200, "disk_full"]);

      mount(bench, "remount,size=16m");
      expect(await readinessOf(service)).toEqual([200, "ok"]);
      const created = await service.send("POST", "/books", DUNE, key);
      expect(created.status).toBe(201);
      expect(created.headers.has("Idempotency-Replayed")).toBe(false);
      expect(await everyBook(service)).toEqual([...books, (await created.json()) as Book]);
      expect((await service.send("DELETE", "/books/1")).status).toBe(204);
      await service.kill();
      expect(integrity(join(bench.directory, "thimble.db"))).toBe("ok");
    },
    mayMount,
  );

  faultTest("another process writes it: 503, and writes when that has ended", async (bench) => {
    const path = await makeBooks(bench.directory);
    const service = await bench.start({ DATABASE_URL: `sqlite:${path}` });
    const release = await holdLock(bench, path, "BEGIN IMMEDIATE");
    const order: string[] = [];
    const write = service.send("POST", "/books", DUNE).finally(() => order.push("write"));
    for (const path of ["/healthz", "/books/1"]) {
      expect((await service.fetch(path)).status).toBe(200);
      order.push(path);
    }
    await expectUnavailable(await write);
    expect(order).toEqual(["/healthz", "/books/1", "write"]);
    await release();
    expect((await service.send("POST", "/books", DUNE)).status).toBe(201);
  });

  faultTest("a write that waits for a lock when its time is over is never done", async (bench) => {
    const path = join(bench.directory, "books.db");
    const service = await bench.start({
      ...{ DATABASE_URL: `sqlite:${path}`, REQUEST_TIMEOUT_SECONDS: "1" },
    });
    const release = await holdLock(bench, path, "BEGIN IMMEDIATE");
    const writes = [
      service.send("POST", "/books", DUNE),
      service.send("POST", "/books", DUNE, { "Idempotency-Key": "late" }),
      service.send("PATCH", "/books/1", { year: 1 }),
      service.send("DELETE", "/books/2"),
    ];
    for (const write of writes) await expectTimeout(await write);
    await release();
    // The next write gets the lock after all that still waited for it.
    expect((await service.send("POST", "/books", { ...DUNE, title: "Emma" })).status).toBe(201);
    const books = await everyBook(service);
    expect(books.map(({ title }) => title)).toEqual(["1984", "To Kill a Mockingbird", "Emma"]);
    expect(books[0]?.year).toBe(1949);
  });

  faultTest("a page is damaged: 503 for what needs it, and the rest goes on", async (bench) => {
    const path = await makeBooks(bench.directory);
    const database = new Database(path);
    const { rootpage } = database
      .query<{ rootpage: number }, []>(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'books_by_title'",
      )
      .get() ?? { rootpage: 0 };
    database.close();
    damage(path, (rootpage - 1) * 4096, 4096);
    const service = await bench.start({ DATABASE_URL: `sqlite:${path}` });
    await expectUnavailable(await service.fetch("/books?sort=title"));
    await expectUnavailable(await service.send("POST", "/books", DUNE));
    expect(await getJson(service, "/books/1")).toMatchObject({ title: "1984" });
    expect(await everyBook(service)).toHaveLength(2);
    expect(service.log()).toContainEqual(
      expect.objectContaining({ cause: expect.stringContaining("malformed") }),
    );
  });
});

/** Everything that needs no database works; the rest reports the problem. */
async function expectWithoutBooks(service: ChildService, word: string | RegExp): Promise<void> {
  const echo = { action: "echo", data: "hello" };
  const [ready, list, one, created, changed, health, live, processed, docs] = await Promise.all([
    service.fetch("/ready"),
    service.fetch("/books?q=dune&sort=-title"),
    service.fetch("/api/v1/books/1"),
    service.send("POST", "/books", DUNE, { "Idempotency-Key": "without" }),
    service.send("PUT", "/books/1", { year: 1 }),
    service.fetch("/health"),
    service.fetch("/healthz"),
    service.send("POST", "/api/v1/process", echo),
    service.fetch("/openapi.json"),
  ]);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toEqual({
    ready: false,
    checks: { api: "ok", database: expect.stringMatching(word) },
  });
  for (const response of [list, one, created, changed]) await expectUnavailable(response);
  expect(await health.json()).toMatchObject({ status: "healthy" });
  expect(await live.text()).toBe("OK");
  expect(await processed.json()).toMatchObject({ success: true, data: "hello" });
  expect(docs.status).toBe(200);
  expect(service.running()).toBe(true);
}

/** A problem that asks the client to try again later, without details about the database. */
async function expectUnavailable(response: Response): Promise<void> {
  const text = await response.text();
  expect({ status: response.status, text }).toMatchObject({ status: 503 });
  expect(response.headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  expect(JSON.parse(text)).toMatchObject({
    title: "Service Unavailable",
    status: 503,
    request_id: response.headers.get("X-Request-Id") ?? "",
    success: false,
    error: "Database unavailable",
  });
  expect(text).not.toMatch(/127\.0\.0\.1|postgres|sqlite|ECONN|\.db/i);
  expect(text).not.toContain(PASSWORD);
}

/** A problem that says that the time for an answer is over. */
async function expectTimeout(response: Response): Promise<void> {
  expect(await response.json()).toMatchObject({ status: 503, error: "Request timed out" });
}

async function readinessOf(service: ChildService): Promise<[number, string]> {
  const response = await service.fetch("/ready");
  const { checks } = (await response.json()) as { checks: { database: string } };
  return [response.status, checks.database];
}

async function untilReady(service: ChildService): Promise<void> {
  await until("the service is ready", async () => (await service.fetch("/ready")).status === 200);
}

/** A client that adds book after book, and continues after refusals. */
function keepWriting(service: ChildService) {
  const statuses = new Set<number>();
  const acknowledged: number[] = [];
  let seen = 0;
  let stopped = false;
  async function run() {
    while (!stopped) {
      const response = await service.send("POST", "/books", DUNE);
      statuses.add(response.status);
      const { id } = (await response.json()) as { id?: number };
      if (id === undefined) continue;
      acknowledged.push(id);
      await (await service.send("PATCH", `/books/${id}`, { year: 1966 })).body?.cancel();
    }
  }
  const runs = [run(), run(), run()];
  return {
    /** Whether books were added since the last call. */
    wrote: () => {
      const wrote = acknowledged.length > seen;
      if (wrote) seen = acknowledged.length;
      return wrote;
    },
    stop: async () => {
      stopped = true;
      await Promise.all(runs);
      return { statuses, acknowledged };
    },
  };
}

async function getJson<T = unknown>(service: ChildService, path: string): Promise<T> {
  const response = await service.fetch(path);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

async function everyBook(service: ChildService, filter = ""): Promise<Book[]> {
  const books: Book[] = [];
  let cursor = "";
  for (;;) {
    const path = `/books?limit=200${cursor}${filter}`;
    const page = await getJson<{ items: Book[]; next_cursor: string | null }>(service, path);
    books.push(...page.items);
    if (page.next_cursor === null) return books;
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
}

/** Makes a file like one that the service leaves, with its two first books. */
async function makeBooks(directory: string): Promise<string> {
  const path = join(directory, "books.db");
  const service = await startService({ DATABASE_URL: `sqlite:${path}` });
  await service.kill();
  // Moves the write-ahead log into the file, and removes it.
  const database = new Database(path);
  database.run("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  return path;
}

const LOCK = `
const database = new (require("bun:sqlite").Database)(process.argv[1]);
database.run("PRAGMA busy_timeout = 5000");
database.run(process.argv[2]);
console.log("locked");
process.stdin.once("end", () => database.close()).resume();
`;

/**
 * Another process locks the file, until this is called or the test ends. In this process, the lock
 * would be lost at the first other use of the file, as POSIX defines it.
 */
async function holdLock({ defer }: Bench, path: string, sql: string): Promise<() => Promise<void>> {
  const holder = spawn(process.execPath, ["-e", LOCK, path, sql], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(holder, "exit");
  const release = async () => {
    holder.stdin.end();
    await exited;
  };
  defer(release);
  await once(holder.stdout, "data");
  return release;
}

function makeAnother(directory: string, sql: string): string {
  const path = join(directory, "books.db");
  const database = new Database(path);
  database.run(sql);
  database.run("VACUUM");
  database.close();
  return path;
}

function write(directory: string, bytes: Buffer | string, name = "books.db"): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

/** Inverts the bits of a number of bytes, from an offset on. */
function damage(path: string, offset: number, length: number): string {
  const bytes = readFileSync(path);
  const end = Math.min(bytes.length, offset + length);
  expect(end).toBeGreaterThan(offset);
  for (let index = offset; index < end; index += 1) bytes[index] = ~(bytes[index] ?? 0) & 0xff;
  writeFileSync(path, bytes);
  return path;
}

/** Every file of a directory, with its bytes. */
function contents(directory: string): Record<string, string> {
  const files = readdirSync(directory, { withFileTypes: true });
  return Object.fromEntries(
    files.map((file) => [
      file.name,
      file.isFile() ? readFileSync(join(directory, file.name)).toString("base64") : "directory",
    ]),
  );
}

function integrity(path: string): unknown {
  const database = new Database(path);
  try {
    const row = database.query<{ integrity_check: string }, []>("PRAGMA integrity_check").get();
    return row?.integrity_check;
  } finally {
    database.close();
  }
}

/** Mounts a separate file system at the directory, or changes the one there. */
function mount({ directory, defer }: Bench, options: string): void {
  const unmount = mountAt(directory, options);
  if (!options.startsWith("remount")) defer(unmount);
}
