import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { version } from "../package.json" with { type: "json" };
import { variables } from "../src/config/variables.ts";
import { MIGRATION_LOCK } from "../src/database/postgres/migrate.ts";
import { openConnection, SLOW_POST } from "./connection.ts";
import { sqliteMigrations } from "./example/migrations/sqlite.ts";
import { readValue } from "./exposition.ts";
import { freshDatabase } from "./postgres.ts";
import {
  API_KEY,
  eventually,
  inTemporaryDirectory,
  runToEnd,
  type Service,
  startService as startProgram,
  type Variables,
} from "./service.ts";

const PROCESS = "/api/v1/process";

const hasIpv6 = networkInterfaces().lo?.some(({ address }) => address === "::1") ?? false;
const NO_IPV6 = hasIpv6 ? "" : " (skipped: this machine has no IPv6)";

/** The command that runs the program, without its arguments. */
export type Program = () => Promise<readonly string[]> | readonly string[];

export type ProgramOptions = {
  /** What a request meets that comes during the drain: a closed port by default, or an empty 503. */
  refuses?: "connection" | "503";
  /** Which side closes a connection after an answer with `Connection: close`: the service by default. */
  closes?: "service" | "client";
  /** Whether the drain waits for a connection in its TLS handshake, as for a request: no by default. */
  waitsForHandshakes?: boolean;
  /** Whether a certificate is replaced while the service runs: yes by default. */
  replacesCertificate?: boolean;
  /** Whether it closes connections that are idle, or whose body comes too late: yes by default. */
  closesIdle?: boolean;
  /** Whether a slow reader of the log holds up the service: no by default. */
  waitsForReader?: boolean;
  /** Whether it learns how much was written before a disk was full: yes by default. */
  learnsPartialWrites?: boolean;
};

// A busy machine may take longer than Bun's five seconds to build and start.
setDefaultTimeout(30_000);

/** Bun ends a connection without a request after some 12 seconds; a shutdown must not wait for that. */
const SOON_MS = 8000;

/**
 * What the program does besides HTTP, on every runtime: commands, exit codes, output, signals, and what
 * comes over a raw connection.
 */
export function programContract(
  name: string,
  program: Program,
  { refuses = "connection", closes = "service", closesIdle = true }: ProgramOptions = {},
): void {
  describe(name, () => {
    const startService = async ({ env = {} }: { env?: Variables } = {}) =>
      startProgram({ command: await program(), env });
    const runProgram = async (
      args: readonly string[],
      env: Variables = {},
      options: { directory?: string } = {},
    ) => runToEnd([...(await program()), ...args], env, options);

    test("a METRICS_PORT that Kubernetes has set for a Service of that name is ignored", async () => {
      const env = { METRICS_PORT: "tcp://10.0.0.1:9090" };
      await using service = await startService({ env });
      expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
      expect(service.log()).toContainEqual(
        expect.objectContaining({
          level: "WARNING",
          message: expect.stringMatching(/^a variable was ignored: .+ enableServiceLinks: false$/),
          variable: "METRICS_PORT",
        }),
      );
      const check = { ...env, HOST: "127.0.0.1", PORT: `${service.port}` };
      expect(await runProgram(["healthcheck"], check)).toMatchObject({ code: 0, stderr: "" });
    });

    describe("commands", () => {
      test("--version prints the version", async () => {
        expect(await runProgram(["--version"])).toEqual({
          code: 0,
          signal: null,
          stdout: `thimble ${version}\n`,
          stderr: "",
        });
      });

      test("--help prints how it is used", async () => {
        const { code, stdout, stderr } = await runProgram(["--help"]);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(stdout).toStartWith("Usage: thimble [COMMAND]\n");
        const help = await runProgram(["help", "variables"]);
        for (const name of Object.keys(variables)) expect(help.stdout).toContain(`\n  ${name}`);
      });

      test("an unknown one exits with 64", async () => {
        const { code, stdout, stderr } = await runProgram(["frobnicate"]);
        expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
        expect(stderr).toStartWith("thimble: unknown command: frobnicate\n");
      });

      test("openapi prints the document that the service answers", async () => {
        await using service = await startService();
        const { code, stdout, stderr } = await runProgram(["openapi"]);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(JSON.parse(stdout)).toEqual(
          await (await fetch(`${service.url}/openapi.json`)).json(),
        );
      });

      test("key new prints a line for the key file, and the key apart from it", async () => {
        const args = [
          "key",
          "new",
          "ci",
          "--scope",
          "process,books:read",
          "--expires",
          "2999-01-01",
        ];
        const { code, stdout, stderr } = await runProgram(args);
        expect(code).toBe(0);
        expect(stdout).toMatch(/^ci process,books:read sha256:[0-9a-f]{64} expires=2999-01-01\n$/);
        const [secret] = /thb_[\w-]{43}/.exec(stderr) ?? [];
        await using service = await startService({ env: { API_KEY: undefined, API_KEYS: stdout } });
        const headers = { "X-API-Key": secret ?? "", "Content-Type": "application/json" };
        const init = { method: "POST", headers, body: SLOW_POST.body };
        expect((await fetch(service.url + PROCESS, init)).status).toBe(200);
        expect((await fetch(`${service.url}/books`, init)).status).toBe(403);
      });

      test("migrate makes the schema that serve then finds", async () => {
        await inTemporaryDirectory(async (directory) => {
          const migrate = () => runProgram(["migrate"], { API_KEY }, { directory });
          expect(await migrate()).toMatchObject({
            code: 0,
            stdout: `Migrations applied: ${sqliteMigrations.length}\n`,
          });
          expect(await migrate()).toMatchObject({ code: 0, stdout: "Migrations applied: 0\n" });
          await using service = await startService({ env: { DATA_DIR: directory } });
          expect(service.log().map(({ message }) => message)).toEqual(["listening"]);
        });
      });
    });

    test("books go into a backup and an export, and come back the same", async () => {
      await inTemporaryDirectory(async (directory) => {
        const at = (name: string) => ({ DATABASE_URL: `sqlite:${name}.db` });
        const run = async (name: string, ...args: string[]) => {
          const { code, stdout, stderr } = await runProgram(args, at(name), { directory });
          expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
          return stdout;
        };
        const book = { title: "Dune", author: "Frank Herbert", year: 1965 };
        const input = [book, { ...book, title: "Emma" }].map((each) => `${JSON.stringify(each)}\n`);
        writeFileSync(join(directory, "new.ndjson"), input.join(""));
        await run("first", "import", "new.ndjson");
        const lines = await run("first", "export");
        expect(lines.split("\n")).toHaveLength(3);
        await run("first", "backup", "backups/first");
        await run("second", "restore", "backups/first");
        await run("second", "export", "second.ndjson");
        await run("third", "import", "second.ndjson");
        expect(await run("third", "export", "-")).toBe(lines);
        const refused = await runProgram(["restore", "backups/first"], at("third"), { directory });
        expect(refused).toMatchObject({ code: 1, stdout: "" });
        expect(refused.stderr).toStartWith("thimble: the database has 2 books already;");
      });
    });

    test("a large table is searched, and nothing is on standard error", async () => {
      await inTemporaryDirectory(async (directory) => {
        const env = { DATABASE_URL: "sqlite:large.db" };
        const lines = Array.from({ length: 10_001 }, (_, index) =>
          JSON.stringify({ title: `Title ${index % 100}`, author: `Author ${index}`, year: 2000 }),
        );
        writeFileSync(join(directory, "books.ndjson"), lines.join("\n"));
        const imported = await runProgram(["import", "books.ndjson"], env, { directory });
        expect(imported.code).toBe(0);
        await using service = await startService({
          env: { DATABASE_URL: `sqlite:${directory}/large.db` },
        });
        const found = async (query: string) => {
          const response = await fetch(`${service.url}/books?${query}`);
          const { items } = (await response.json()) as {
            items: { title: string; author: string }[];
          };
          return items.map(({ title, author }) => `${title} by ${author}`);
        };
        expect(await found("q=auth&sort=title&limit=2")).toEqual([
          "Title 0 by Author 0",
          "Title 0 by Author 100",
        ]);
        expect(await found("q=99+author&author=Author+9999")).toEqual(["Title 99 by Author 9999"]);
        expect(await service.stop()).toEqual({ code: 0, signal: null });
        expect(service.stderr()).toBe("");
      });
    });

    describe("a configuration that cannot work", () => {
      const secrets = ["hunter2-hunter", "mysql", "p4ssw0rd"];

      test("exits with 78 and every problem on standard error, and shows no secret", async () => {
        const result = await runProgram(["serve"], {
          API_KEY: secrets[0],
          DATABASE_URL: "mysql://admin:p4ssw0rd@db/books",
          PORT: "http",
          DEBUG: "perhaps",
        });
        expect(result).toEqual({
          code: 78,
          signal: null,
          stdout: "",
          stderr: [
            "thimble: invalid configuration:",
            "  - API_KEY must be at least 16 printable ASCII characters without spaces",
            '  - PORT is "http"; it must be a port number from 0 to 65535; 0 lets the system choose',
            '  - DEBUG is "perhaps"; it must be true or false',
            "  - DATABASE_URL must be sqlite:PATH, memory: or postgres://USER@HOST:PORT/NAME",
            "",
          ].join("\n"),
        });
        for (const secret of secrets) expect(result.stderr).not.toContain(secret);
      });

      test("does not show a secret that was put in the place of its file", async () => {
        const { code, stderr } = await runProgram([], { API_KEY_FILE: "hunter2-hunter2-hunter2" });
        expect(code).toBe(78);
        expect(stderr).toContain("API_KEY_FILE names a file that cannot be read: ENOENT");
        expect(stderr).not.toContain("hunter2");
      });

      test("leaves nothing behind", async () => {
        await inTemporaryDirectory(async (directory) => {
          await runProgram(["serve"], { PORT: "http" }, { directory });
          expect(existsSync(join(directory, "thimble.db"))).toBe(false);
        });
      });
    });

    test("the key may come from a file", async () => {
      await inTemporaryDirectory(async (directory) => {
        const file = join(directory, "key");
        writeFileSync(file, "key-from-a-file-1\n");
        await using service = await startService({
          env: { API_KEY: undefined, API_KEY_FILE: file },
        });
        const headers = { "X-API-Key": "key-from-a-file-1", "Content-Type": "application/json" };
        const init = { method: "POST", headers, body: '{"action":"echo"}' };
        expect((await fetch(service.url + PROCESS, init)).status).toBe(200);
      });
    });

    describe("healthcheck", () => {
      const check = ({ port }: { port: number }, env = {}) =>
        runProgram(["healthcheck"], { HOST: "127.0.0.1", PORT: String(port), ...env });

      test("exits with 0 where the service is ready", async () => {
        await using service = await startService();
        expect(await check(service)).toMatchObject({ code: 0, stdout: "ready\n", stderr: "" });
      });

      test("asks the service itself, whatever proxy the environment names", async () => {
        await using service = await startService();
        const proxy = "http://127.0.0.1:1";
        const env = { HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy };
        expect(await check(service, env)).toMatchObject({ code: 0, stderr: "" });
      });

      test("exits with 1 where the service is not ready", async () => {
        const env = { DATABASE_URL: "postgres://u@127.0.0.1:1/books" };
        await using service = await startService({ env });
        const { code, stderr } = await check(service);
        expect({ code, stderr }).toEqual({ code: 1, stderr: "thimble: not ready: HTTP 503\n" });
      });

      test("asks on METRICS_PORT where that is set", async () => {
        await using service = await startService({ env: { METRICS_PORT: "0" } });
        const metricsPort = String((await service.logged("listening")).metrics_port);
        expect(await check(service)).toMatchObject({ stderr: "thimble: not ready: HTTP 404\n" });
        const env = { METRICS_PORT: metricsPort };
        expect(await check(service, env)).toMatchObject({ code: 0, stdout: "ready\n" });
      });

      test("exits with 1 where nothing listens", async () => {
        const { code, stderr } = await check({ port: 1 });
        expect(code).toBe(1);
        expect(stderr).toStartWith("thimble: no answer on 127.0.0.1:1: ");
      });
    });

    describe("metrics", () => {
      const scrape = (origin: string, accept: string) =>
        fetch(`${origin}/metrics`, { headers: { "X-API-Key": API_KEY, Accept: accept } });

      test("are shown to a client with the key, in every format", async () => {
        await using service = await startService();
        expect((await fetch(`${service.url}/metrics`)).status).toBe(401);
        const ofBooks = { method: "GET", route: "/books", status: "200" };
        await fetch(`${service.url}/books`);
        const text = await (await scrape(service.url, "text/plain")).text();
        expect(readValue(text, "http_requests_total", ofBooks)).toBe(1);
        expect(readValue(text, "thimble_database_up")).toBe(1);
        expect(readValue(text, "process_start_time_seconds")).toBeWithin(
          Date.now() / 1000 - 60,
          Date.now() / 1000,
        );
        const openMetrics = await (
          await scrape(service.url, "application/openmetrics-text")
        ).text();
        expect(openMetrics).toEndWith("# EOF\n");
        const json = await (await scrape(service.url, "application/json")).json();
        expect(json).toMatchObject({ requests_total: 4, requests_failed: 1 });
      });

      test("and health have a port of their own where METRICS_PORT is set", async () => {
        await using service = await startService({ env: { METRICS_PORT: "0" } });
        const probes = `http://127.0.0.1:${(await service.logged("listening")).metrics_port}`;
        for (const path of ["/metrics", "/health", "/healthz", "/ready"]) {
          const headers = { "X-API-Key": API_KEY };
          expect((await fetch(service.url + path, { headers })).status).toBe(404);
          expect((await fetch(probes + path, { headers })).status).toBe(200);
        }
        expect((await fetch(`${service.url}/books`)).status).toBe(200);
        expect((await fetch(`${probes}/books`)).status).toBe(404);
        const text = await (await scrape(probes, "text/plain")).text();
        const ofBooks = { method: "GET", route: "/books", status: "200" };
        expect(readValue(text, "http_requests_total", ofBooks)).toBe(1);
        expect(await service.stop()).toEqual({ code: 0, signal: null });
      });

      test("and health are answered on METRICS_PORT while the service drains", async () => {
        await using service = await startService({ env: { METRICS_PORT: "0" } });
        const probes = `http://127.0.0.1:${(await service.logged("listening")).metrics_port}`;
        const connection = await beginRequest(service);
        service.kill("SIGTERM");
        await service.logged("draining");
        expect((await fetch(`${probes}/ready`)).status).toBe(503);
        expect((await fetch(`${probes}/healthz`)).status).toBe(200);
        expect((await scrape(probes, "text/plain")).status).toBe(200);
        connection.send(SLOW_POST.body);
        await connection.answered('"data":"late"');
        expect(await service.exited).toEqual({ code: 0, signal: null });
      });
    });

    describe("development mode", () => {
      const hasCurl = Bun.which("curl") !== null;
      const reason = hasCurl ? "" : " (skipped: there is no curl here)";

      test.skipIf(!hasCurl)(`prints a curl line that works as it stands${reason}`, async () => {
        const env = { ENVIRONMENT: "development", API_KEY: undefined, HOST: undefined };
        await using service = await startService({ env });
        const printed = await eventually("the curl line is printed", () =>
          /^ {2}curl .*\\\n.*$/m.exec(service.stdout())?.at(0),
        );
        const { stdout, exitCode } = Bun.spawnSync(["sh", "-c", printed], {
          env: { PATH: process.env.PATH ?? "", NO_PROXY: "localhost" },
          stderr: "ignore",
        });
        expect(exitCode).toBe(0);
        expect(JSON.parse(stdout.toString())).toMatchObject({ success: true, data: "hello" });
      });

      test("prints the URL and a key that differs from run to run", async () => {
        const env = { ENVIRONMENT: "development", API_KEY: undefined, HOST: undefined };
        const keys = new Set<string>();
        for (let run = 0; run < 2; run += 1) {
          await using service = await startService({ env });
          const key = await eventually("the key is printed", () =>
            /^ {2}API key for this run: ([0-9a-f]{32})$/m.exec(service.stdout())?.at(1),
          );
          const url = `http://localhost:${service.port}`;
          expect(service.stdout()).toContain(`listens on ${url}\n`);
          expect(service.stdout()).toContain(`Read and try the API: ${url}/docs\n`);
          keys.add(key);
        }
        expect(keys.size).toBe(2);
      });
    });

    describe("listening", () => {
      test("a port in use exits with 69 and one clear line", async () => {
        await using service = await startService();
        const env = { API_KEY, HOST: "127.0.0.1", PORT: String(service.port) };
        expect(await runProgram(["serve"], env)).toMatchObject({
          code: 69,
          stderr: `thimble: port ${service.port} is in use; choose another, for example PORT=${service.port + 1}\n`,
        });
        expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
      });

      for (const HOST of [undefined, "::"]) {
        test.skipIf(!hasIpv6)(
          `HOST=${HOST ?? ""} answers on IPv4 and IPv6, on both ports${NO_IPV6}`,
          async () => {
            const env = { HOST, METRICS_PORT: "0" };
            await using service = await startService({ env });
            const { metrics_port: metricsPort } = await service.logged("listening");
            for (const host of ["127.0.0.1", "[::1]"]) {
              expect((await fetch(`http://${host}:${service.port}/books`)).status).toBe(200);
              expect((await fetch(`http://${host}:${metricsPort}/ready`)).status).toBe(200);
            }
            const requests = await eventually("every request is in the log", () => {
              const lines = service.log().filter(({ message }) => message === "request");
              return lines.length === 4 ? lines : undefined;
            });
            const clients = requests.map(({ client_address }) => client_address);
            expect(clients.toSorted()).toEqual(["127.0.0.1", "127.0.0.1", "::1", "::1"]);
            const check = { ...env, METRICS_PORT: String(metricsPort) };
            expect(await runProgram(["healthcheck"], check)).toMatchObject({ code: 0, stderr: "" });
          },
        );
      }

      for (const HOST of ["no-such-host.invalid", "192.0.2.1"]) {
        test(`an address that is not this machine's exits with 69: ${HOST}`, async () => {
          const { code, stderr } = await runProgram(["serve"], { API_KEY, HOST, PORT: "0" });
          expect(code).toBe(69);
          expect(stderr).toMatch(/^thimble: cannot listen on [\w.-]+:0: [^\n]+\n$/);
          expect(stderr).toContain(HOST);
        });
      }
    });

    describe("standard output", () => {
      test("is one JSON object a line, whatever a client sends", async () => {
        await using service = await startService();
        const paths = ["/health", "/a%0Ab", "/a%C2%85b%E2%80%A8c%1B%5B31m", '/"}{"level":"ERROR"}'];
        for (const path of paths) {
          await fetch(service.url + path, { headers: { "X-Request-Id": '"},{"' } });
        }
        await service.stop();
        const lines = service.stdout().trimEnd().split("\n");
        expect(lines.map((line) => JSON.parse(line).message)).toEqual([
          "database migrated",
          "listening",
          ...paths.map(() => "request"),
          "draining",
          "stopped",
        ]);
        expect(service.stdout().replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(service.stderr()).toBe("");
      });

      test("is written out before the process ends", async () => {
        await using service = await startService();
        for (let turn = 0; turn < 200; turn += 1) await fetch(`${service.url}/healthz`);
        expect(await service.stop()).toEqual({ code: 0, signal: null });
        expect(service.log().filter(({ message }) => message === "request")).toHaveLength(200);
        expect(service.log().at(-1)).toMatchObject({ message: "stopped" });
      });

      test("may lose its reader, and the service goes on", async () => {
        await using service = await startService();
        service.closeStdout();
        for (let turn = 0; turn < 20; turn += 1) {
          expect((await fetch(`${service.url}/health`)).status).toBe(200);
        }
        expect(await service.stop()).toEqual({ code: 0, signal: null });
      });
    });

    describe("a request without a usable Host", () => {
      for (const [what, request] of [
        ["of HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n"],
        ["with an empty one", "GET /healthz HTTP/1.1\r\nHost:\r\n\r\n"],
      ]) {
        test(`${what} is answered all the same`, async () => {
          await using service = await startService();
          const connection = openConnection(service);
          connection.send(request ?? "");
          await connection.answered("\r\n\r\nOK");
          expect(connection.received()).toMatch(/^x-content-type-options: nosniff\r$/im);
          connection.close();
        });
      }
    });

    describe("limits", () => {
      const statusOf = async (url: string, headers: Record<string, string> = {}) =>
        (await fetch(url, { headers })).status;
      const long = (bytes: number) => "x".repeat(bytes);

      test("hold for what runs it", async () => {
        const env = { RATE_LIMIT: "2/hour", MAX_URL_BYTES: "64", MAX_HEADER_BYTES: "1000" };
        await using service = await startService({ env });
        const { url } = service;
        expect(await statusOf(`${url}/?${long(64)}`)).toBe(414);
        expect(await statusOf(url, { "X-Long": long(1000) })).toBe(431);
        expect([await statusOf(url), await statusOf(url), await statusOf(url)]).toEqual([
          200, 200, 429,
        ]);
        expect(await statusOf(`${url}/healthz`)).toBe(200);
      });

      test("of URL and headers may be larger than the server's own", async () => {
        const env = { MAX_URL_BYTES: "30000", MAX_HEADER_BYTES: "30000" };
        await using service = await startService({ env });
        const url = `${service.url}/?`;
        expect(await statusOf(url + long(29_000), { "X-Long": long(29_000) })).toBe(200);
        expect(await statusOf(url + long(31_000))).toBe(414);
        expect(await statusOf(url, { "X-Long": long(31_000) })).toBe(431);
      });

      test("say what is wrong with a head that is too long, and count it", async () => {
        await using service = await startService();
        const url = `${service.url}/books`;
        const headers = { "X-Long": long(17_000) };
        expect(await (await fetch(`${url}?${long(17_000)}`)).json()).toMatchObject({ status: 414 });
        expect(await (await fetch(url, { headers })).json()).toMatchObject({ status: 431 });
        const key = { "X-API-Key": API_KEY };
        const text = await (await fetch(`${service.url}/metrics`, { headers: key })).text();
        for (const reason of ["uri_too_long", "headers_too_large"]) {
          expect(readValue(text, "http_requests_refused_total", { reason })).toBe(1);
        }
      });

      const LARGE = 10_000_000;
      for (const [what, version, header] of [
        ["HTTP/1.0", "HTTP/1.0", "Accept: */*"],
        ["Connection: close", "HTTP/1.1", "Connection: close"],
      ]) {
        test(`answer a client that sends its large body first, with ${what}`, async () => {
          await using service = await startService({ env: { RATE_LIMIT: "4/hour" } });
          const key = `X-API-Key: ${API_KEY}`;
          const json = "Content-Type: application/json";
          const refusals = [
            ["/books", 401, json],
            ["/books", 413, json, key],
            ["/nowhere", 404, json],
            ["/healthz", 405, json],
          ] as const;
          for (const [path, status, ...lines] of refusals) {
            const connection = openConnection(service);
            connection.pause();
            const head = [`POST ${path} ${version}`, "Host: a", header, ...lines];
            connection.send([...head, `Content-Length: ${LARGE}`, "", ""].join("\r\n"));
            await connection.sent("x".repeat(LARGE));
            connection.resume();
            await connection.answered(`"status":${status}`);
            await connection.ended();
          }
        });
      }

      test("give up a body that does not come", async () => {
        await using service = await startService({ env: { REQUEST_TIMEOUT_SECONDS: "1" } });
        const connection = await beginRequest(service);
        await connection.answered('"error":"Request timed out"');
        expect(connection.received()).toMatch(/^connection: close\r$/im);
        if (closesIdle) await connection.ended();
        connection.close();
      });

      const idleReason = closesIdle ? "" : " (skipped: this runtime has no idle timeout)";
      test.if(closesIdle)(`close a connection that says nothing${idleReason}`, async () => {
        await using service = await startService({ env: { IDLE_TIMEOUT_SECONDS: "1" } });
        const connection = openConnection(service);
        connection.send("GET /healthz HTTP/1.1\r\nHost: thimble.test\r\n\r\n");
        await connection.answered("\r\n\r\nOK");
        await connection.ended();
      });
    });

    describe("a signal", () => {
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        test(`${signal} ends an idle service with 0`, async () => {
          await using service = await startService();
          expect(await service.stop(signal)).toEqual({ code: 0, signal: null });
          expect(service.log().slice(-2)).toMatchObject([
            { message: "draining", signal },
            { message: "stopped" },
          ]);
          expect(service.stderr()).toBe("");
        });

        test(`${signal} ends a service that waits for another's migration with 0`, async () => {
          const { url, drop } = await freshDatabase();
          const sql = postgres(url, { max: 1 });
          await sql`SELECT pg_advisory_lock(${MIGRATION_LOCK})`;
          const until = "waiting for the database, or for another's migration of it";
          await using service = await startProgram({
            ...{ command: await program(), env: { DATABASE_URL: url }, until },
          });
          expect(await service.stop(signal)).toEqual({ code: 0, signal: null });
          expect(service.log().slice(-2)).toMatchObject([
            { message: "stopping before it listened", signal },
            { message: "stopped" },
          ]);
          await eventually("the server has closed its sessions", async () => {
            const others = await sql`SELECT 1 FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid()`;
            return others.length === 0 || undefined;
          });
          await sql.end();
          await drop();
        });
      }

      test("SIGTERM lets a request finish, and takes no new one", async () => {
        await using service = await startService();
        const connection = await beginRequest(service);
        service.kill("SIGTERM");
        await service.logged("draining");
        const late = fetch(`${service.url}/healthz`);
        if (refuses === "connection") {
          await expect(late).rejects.toThrow("ECONNREFUSED");
        } else {
          const response = await late;
          expect(response.status).toBe(503);
          expect(await response.text()).toBe("");
        }
        connection.send(SLOW_POST.body);
        await connection.answered('"data":"late"');
        expect(connection.received()).toContain("HTTP/1.1 200 OK");
        expect(await service.exited).toEqual({ code: 0, signal: null });
        const messages = service.log().map(({ message }) => message);
        expect(messages.slice(-3)).toEqual(["draining", "request", "stopped"]);
      });

      for (const [first, second, code] of [
        ["SIGTERM", "SIGTERM", 143],
        ["SIGTERM", "SIGINT", 130],
      ] as const) {
        test(`${second} after ${first} ends it at once with ${code}`, async () => {
          await using service = await startService();
          const connection = await beginRequest(service);
          service.kill(first);
          await service.logged("draining");
          service.kill(second);
          expect(await service.exited).toEqual({ code, signal: null });
          connection.close();
        });
      }

      test("Ctrl-C that comes twice in a moment, from terminal and npm, is one", async () => {
        await using service = await startService();
        const connection = await beginRequest(service);
        service.kill("SIGINT");
        service.kill("SIGINT");
        await service.logged("draining");
        connection.send(SLOW_POST.body);
        await connection.answered('"data":"late"');
        expect(await service.exited).toEqual({ code: 0, signal: null });
      });

      test(
        "is not held up by connections that are kept alive",
        async () => {
          await using service = await startService();
          const connections = Array.from({ length: 10 }, () => openConnection(service));
          for (const connection of connections) {
            connection.send("GET /healthz HTTP/1.1\r\nHost: thimble.test\r\n\r\n");
            await connection.answered("\r\n\r\nOK");
            expect(connection.closed()).toBe(false);
          }
          expect(await service.stop()).toEqual({ code: 0, signal: null });
        },
        SOON_MS,
      );

      for (const [what, bytes] of [
        ["never asked for anything", ""],
        ["sent a part of a request's head", "GET /healthz HTTP/1.1\r\nHo"],
      ] as const) {
        test(
          `is not held up by connections that ${what}`,
          async () => {
            await using service = await startService();
            const connections = Array.from({ length: 10 }, () => openConnection(service));
            for (const connection of connections) connection.send(bytes);
            expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
            expect(await service.stop()).toEqual({ code: 0, signal: null });
            for (const connection of connections) connection.close();
          },
          SOON_MS,
        );
      }

      describe("where DRAIN_DELAY_SECONDS is not 0", () => {
        const env = { DRAIN_DELAY_SECONDS: "200" };
        /** A second signal, sent until it is taken for one. */
        const endAtOnce = async (service: Service) => {
          const insisting = setInterval(() => service.kill("SIGTERM"), 50);
          expect(await service.exited).toEqual({ code: 143, signal: null });
          clearInterval(insisting);
        };

        test("turns /ready into a 503 at once, and goes on with everything else", async () => {
          await using service = await startService({ env });
          expect((await fetch(`${service.url}/ready`)).status).toBe(200);
          service.kill("SIGTERM");
          expect(await service.logged("draining")).toMatchObject({ delay_seconds: 200 });
          const ready = await fetch(`${service.url}/ready`);
          expect(ready.status).toBe(503);
          expect(await ready.json()).toMatchObject({ checks: { api: "draining" } });
          for (const path of ["/healthz", "/health", "/books"]) {
            expect((await fetch(service.url + path)).status).toBe(200);
          }
          const init = {
            method: "POST",
            headers: { "X-API-Key": API_KEY, "Content-Type": "application/json" },
            body: '{"title":"Late","author":"A","year":2000}',
          };
          expect((await fetch(`${service.url}/books`, init)).status).toBe(201);
          await endAtOnce(service);
        });

        test("says that a connection that was kept alive ends with its next answer, and ends it", async () => {
          await using service = await startService({ env });
          const connection = openConnection(service);
          connection.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
          await connection.answered("\r\n\r\nOK");
          expect(connection.received()).not.toMatch(/^connection: close\r$/im);
          service.kill("SIGTERM");
          await service.logged("draining");
          expect(connection.closed()).toBe(false);
          connection.send("GET /books/1 HTTP/1.1\r\nHost: a\r\n\r\n");
          await connection.answered('"title":"1984"');
          expect(connection.received()).toMatch(/^connection: close\r$/im);
          if (closes === "service") await connection.ended();
          connection.close();
          await endAtOnce(service);
        });

        test("ends with 0 when that time is over", async () => {
          await using service = await startService({ env: { DRAIN_DELAY_SECONDS: "1" } });
          expect(await service.stop()).toEqual({ code: 0, signal: null });
          expect(service.log().at(-1)).toMatchObject({ message: "stopped" });
        });
      });

      for (const [signal, env] of [
        ["SIGTERM", { DRAIN_TIMEOUT_SECONDS: "1" }],
        // Ctrl-C: somebody waits for the end.
        ["SIGINT", { DRAIN_DELAY_SECONDS: "300", DRAIN_TIMEOUT_SECONDS: "300" }],
      ] as const) {
        test(`${signal} with ${Object.keys(env)} cuts off a request after a second, says so, ends with 0`, async () => {
          await using service = await startService({ env });
          const connection = await beginRequest(service);
          expect(await service.stop(signal)).toEqual({ code: 0, signal: null });
          await connection.ended();
          const cut = service.log().find(({ message }) => message === "requests cut off");
          expect(cut).toMatchObject({ level: "WARNING", requests: 1, drain_timeout_seconds: 1 });
          expect(service.log().at(-1)).toMatchObject({ message: "stopped" });
          expect(service.stderr()).toBe("");
        });
      }

      test("cuts off no answer that its client reads slowly", async () => {
        const bytes = 16 * 1024 * 1024;
        await using service = await startService({ env: { MAX_BODY_BYTES: String(2 * bytes) } });
        const connection = openConnection(service);
        const body = JSON.stringify({ action: "echo", data: "x".repeat(bytes) });
        connection.send(
          SLOW_POST.head.replace(/Content-Length: \d+/, `Content-Length: ${body.length}`),
        );
        await connection.answered("100 Continue");
        connection.send(body);
        await connection.answered("200 OK");
        connection.pause();
        service.kill("SIGTERM");
        await service.logged("draining");
        connection.resume();
        expect(await service.exited).toEqual({ code: 0, signal: null });
        await connection.ended();
        const [, answer = ""] = connection.received().split(/\r\n\r\n(?={)/);
        expect(JSON.parse(answer).data).toHaveLength(bytes);
      });
    });

    describe("secrets in files", () => {
      /** Starts with the key in a file, changes it, and waits until the service takes the new one. */
      async function changeKey(ask: (service: Service) => void): Promise<void> {
        await inTemporaryDirectory(async (directory) => {
          const path = join(directory, "key");
          writeFileSync(path, API_KEY);
          await using service = await startService({
            env: { API_KEY: undefined, API_KEY_FILE: path },
          });
          writeFileSync(path, "another-key-of-16\n");
          ask(service);
          await service.logged("secrets reloaded");
          const headers = { "X-API-Key": "another-key-of-16", "Content-Type": "application/json" };
          const init = { method: "POST", headers, body: SLOW_POST.body };
          expect((await fetch(service.url + PROCESS, init)).status).toBe(200);
          expect(await service.stop()).toEqual({ code: 0, signal: null });
          expect(service.stderr()).toBe("");
        });
      }

      test("are read again when they change", () => changeKey(() => {}));

      test("are read again at a SIGHUP, which ends nothing", () =>
        changeKey(({ kill }) => kill("SIGHUP")));

      test("need not be there for a SIGHUP to end nothing", async () => {
        await using service = await startService();
        service.kill("SIGHUP");
        await service.logged("secrets reloaded");
        expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
        expect(await service.stop()).toEqual({ code: 0, signal: null });
      });
    });

    describe("HTTP that no client should send leaves the service unharmed:", () => {
      let service: Promise<Service> | undefined;
      /** One service for all of these, started by whichever comes first. */
      const shared = () => {
        service ??= startService();
        return service;
      };
      afterAll(async () => (await service)?.[Symbol.asyncDispose]());

      const get = (...lines: string[]) => ["GET /healthz HTTP/1.1", ...lines, "", ""].join("\r\n");
      const post = (...lines: string[]) =>
        [`POST ${PROCESS} HTTP/1.1`, "Host: a", `X-API-Key: ${API_KEY}`, ...lines].join("\r\n");
      const JSON_TYPE = "Content-Type: application/json";

      const settled: [what: string, bytes: string][] = [
        ["no HTTP at all", "\x00\x01\x02\xff\r\n\r\n"],
        ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
        ["another protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
        ["an unknown method", "BREW /healthz HTTP/1.1\r\nHost: a\r\n\r\n"],
        ["a version that is none", "GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n"],
        ["a header line without a colon", get("Host: a", "nonsense")],
        ["a header line with NUL", get("Host: a", "X-A: a\x00b")],
        ["an address too long", `GET /${"a".repeat(1_000_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
        ["a header too long", get("Host: a", `X-A: ${"a".repeat(1_000_000)}`)],
        [
          "too many headers",
          get("Host: a", ...Array.from({ length: 5000 }, (_, i) => `X-${i}: a`)),
        ],
        ["a length that is no number", post("Content-Length: many", JSON_TYPE, "", "{}")],
        ["a negative length", post("Content-Length: -5", JSON_TYPE, "", "{}")],
        ["a huge length", post(`Content-Length: ${"9".repeat(30)}`, JSON_TYPE, "", "{}")],
        ["two lengths", post("Content-Length: 2", "Content-Length: 3", JSON_TYPE, "", "{}")],
        [
          "a length and chunks",
          post("Content-Length: 2", "Transfer-Encoding: chunked", JSON_TYPE, "", "0\r\n\r\n"),
        ],
        [
          "a chunk whose size is no number",
          post("Transfer-Encoding: chunked", JSON_TYPE, "", "zz\r\n"),
        ],
        ["an address with broken escapes", "GET /%zz%c3%28%00 HTTP/1.1\r\nHost: a\r\n\r\n"],
        ["an address that is no path", "GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n"],
        ["a host that is none", get("Host: a b\\c:port")],
        ["a host of strange characters", get("Host: \xff\xfe")],
        ["bytes outside ASCII in a path", "GET /caf\xe9 HTTP/1.1\r\nHost: a\r\n\r\n"],
      ];

      for (const [what, bytes] of settled) {
        test(what, async () => {
          const service = await shared();
          const connection = openConnection(service);
          connection.send(bytes);
          await connection.settled();
          connection.close();
          expect(connection.received()).not.toMatch(/^HTTP\/1\.1 50[0-4]/);
          expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
        });
      }

      test("requests that stop half-way, and many of them", async () => {
        const service = await shared();
        const halves = [
          "GET",
          "GET /healthz HTTP/1.1\r\nHost:",
          post("Content-Length: 100", JSON_TYPE, "", '{"action"'),
          post("Transfer-Encoding: chunked", JSON_TYPE, "", "ff\r\n{"),
        ];
        const connections = Array.from({ length: 100 }, (_, index) => {
          const connection = openConnection(service);
          connection.send(halves[index % halves.length] ?? "");
          return connection;
        });
        expect((await fetch(`${service.url}/books`)).status).toBe(200);
        for (const connection of connections) connection.close();
        expect((await fetch(`${service.url}/books`)).status).toBe(200);
      });

      test("a request that arrives byte by byte is answered", async () => {
        const connection = openConnection(await shared());
        for (const byte of get("Host: a", "Connection: close")) {
          connection.send(byte);
          await Bun.sleep(0);
        }
        await connection.answered("HTTP/1.1 200 OK");
      });

      test("requests sent at once are all answered in order, where no answer has to wait", async () => {
        const connection = openConnection(await shared());
        const ids = Array.from({ length: 20 }, (_, index) => `pipelined-${index}`);
        connection.send(ids.map((id) => get("Host: a", `X-Request-Id: ${id}`)).join(""));
        await connection.answered("pipelined-19");
        const answered = connection.received().matchAll(/X-Request-Id: (\S+)/gi);
        expect(Array.from(answered, (match) => match[1])).toEqual(ids);
        connection.close();
      });

      /** What follows a request in the same moment. */
      const BOOK = JSON.stringify({ title: "Followed", author: "Ann Onymous", year: 2000 });
      const write = (body: string, ...lines: string[]) =>
        [
          `POST /books HTTP/1.1`,
          "Host: a",
          `X-API-Key: ${API_KEY}`,
          JSON_TYPE,
          ...lines,
          body,
        ].join("\r\n");
      const whole = write(BOOK, `Content-Length: ${BOOK.length}`, "");
      const chunk = `${BOOK.length.toString(16)}\r\n${BOOK}\r\n0\r\n`;
      const followed: [what: string, bytes: string][] = [
        ["a trailer", write(`${chunk}X-Trailer: 1\r\n\r\n`, "Transfer-Encoding: chunked", "")],
        ["an empty line", `${whole}\r\n`],
        ["another request", whole + whole],
        ["what is no request", `${whole}\x00\x01\x02\r\n\r\n`],
      ];

      for (const [what, bytes, store] of followed.flatMap(([what, bytes]) => [
        [what, bytes, "SQLite"] as const,
        [what, bytes, "PostgreSQL"] as const,
      ])) {
        test(`${what} after a write to ${store}: exactly what is answered with a 201 is stored`, async () => {
          const database = store === "PostgreSQL" ? await freshDatabase() : undefined;
          const env = database ? { DATABASE_URL: database.url } : {};
          await using service = await startService({ env });
          const connection = openConnection(service);
          connection.send(bytes);
          await connection.settled();
          // A further write comes after everything that was still to be written.
          const { status } = await fetch(`${service.url}/books`, {
            method: "POST",
            headers: { "X-API-Key": API_KEY, "Content-Type": "application/json" },
            body: BOOK,
          });
          expect(status).toBe(201);
          const list = await fetch(`${service.url}/books?author=Ann%20Onymous`);
          const { items } = (await list.json()) as { items: unknown[] };
          const answered = () => connection.received().match(/HTTP\/1\.1 201 /g)?.length ?? 0;
          await eventually(
            `an answer for each of ${items.length - 1} books`,
            () => answered() === items.length - 1 || undefined,
          );
          connection.close();
          await service.stop();
          await database?.drop();
        });
      }

      test("the service is still the same process, and nothing is on standard error", async () => {
        const service = await shared();
        expect(service.log().filter(({ level }) => level === "ERROR")).toEqual([]);
        expect(await service.stop()).toEqual({ code: 0, signal: null });
        expect(service.stderr()).toBe("");
      });
    });
  });
}

/** A request that the service has begun to answer and that still lacks its body. */
export async function beginRequest(service: Service) {
  const connection = openConnection(service);
  connection.send(SLOW_POST.head);
  await connection.answered("100 Continue");
  return connection;
}
