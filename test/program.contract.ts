import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { version } from "../package.json" with { type: "json" };
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

/** The command that runs the program, without its arguments. */
export type Program = () => Promise<readonly string[]> | readonly string[];

export type ProgramOptions = {
  /** What meets a request that comes during the drain: a closed port, unless told, or an empty 503. */
  refuses?: "connection" | "503";
};

// A busy machine may take longer than Bun's five seconds to build and start.
setDefaultTimeout(30_000);

/** Bun ends a connection without a request after some 12 seconds; a shutdown must not wait for that. */
const SOON_MS = 8000;

/**
 * What the program does beside HTTP, whatever runs it: commands, exit codes, output, signals, and what
 * comes over a raw connection.
 */
export function programContract(
  name: string,
  program: Program,
  { refuses = "connection" }: ProgramOptions = {},
): void {
  describe(name, () => {
    const startService = async ({ env = {} }: { env?: Variables } = {}) =>
      startProgram({ command: await program(), env });
    const runProgram = async (
      args: readonly string[],
      env: Variables = {},
      options: { directory?: string } = {},
    ) => runToEnd([...(await program()), ...args], env, options);

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

      test("migrate makes the schema that serve then finds", async () => {
        await inTemporaryDirectory(async (directory) => {
          const migrate = () => runProgram(["migrate"], { API_KEY }, { directory });
          expect(await migrate()).toMatchObject({ code: 0, stdout: "Migrations applied: 1\n" });
          expect(await migrate()).toMatchObject({ code: 0, stdout: "Migrations applied: 0\n" });
          await using service = await startService({ env: { DATA_DIR: directory } });
          expect(service.log().map(({ message }) => message)).toEqual(["listening"]);
        });
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
            "thimble: the configuration cannot work:",
            "  - API_KEY takes at least 16 printable ASCII characters without spaces",
            "  - PORT takes a port number from 0 to 65535; 0 lets the system choose",
            "  - DEBUG takes true or false",
            "  - DATABASE_URL takes sqlite:PATH, memory: or postgres://USER@HOST:PORT/NAME",
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

      test("exits with 1 where nothing listens", async () => {
        const { code, stderr } = await check({ port: 1 });
        expect(code).toBe(1);
        expect(stderr).toStartWith("thimble: no answer on 127.0.0.1:1: ");
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
          const printed = await eventually("the key is printed", () =>
            /listens on \S+\n {2}API key for this run: [0-9a-f]{32}\n/
              .exec(service.stdout())
              ?.at(0),
          );
          expect(printed).toStartWith(`listens on http://localhost:${service.port}\n`);
          keys.add(printed.slice(printed.lastIndexOf(" ")));
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
          stderr: `thimble: cannot listen on 127.0.0.1:${service.port}: EADDRINUSE\n`,
        });
        expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
      });

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
          const connection = open(service);
          connection.send(request ?? "");
          await connection.answered("\r\n\r\nOK");
          expect(connection.received()).toMatch(/^x-content-type-options: nosniff\r$/im);
          connection.close();
        });
      }
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

        test(`${signal} lets a request finish, and takes no new one`, async () => {
          await using service = await startService();
          const connection = await beginRequest(service);
          service.kill(signal);
          await service.logged("draining");
          const late = fetch(`${service.url}/healthz`);
          if (refuses === "connection") {
            await expect(late).rejects.toThrow("ECONNREFUSED");
          } else {
            const response = await late;
            expect(response.status).toBe(503);
            expect(await response.text()).toBe("");
          }
          connection.send(BODY);
          await connection.answered('"data":"late"');
          expect(connection.received()).toContain("HTTP/1.1 200 OK");
          expect(await service.exited).toEqual({ code: 0, signal: null });
          const messages = service.log().map(({ message }) => message);
          expect(messages.slice(-3)).toEqual(["draining", "request", "stopped"]);
        });
      }

      for (const [first, second, code] of [
        ["SIGTERM", "SIGTERM", 143],
        ["SIGINT", "SIGINT", 130],
        ["SIGTERM", "SIGINT", 130],
      ] as const) {
        test(`${second} after ${first} ends it at once with ${code}`, async () => {
          await using service = await startService();
          const connection = await beginRequest(service);
          service.kill(first);
          await service.logged("draining");
          // One that follows at once is taken for the echo of the first, so it is sent until it counts.
          const insisting = setInterval(() => service.kill(second), 50);
          expect(await service.exited).toEqual({ code, signal: null });
          clearInterval(insisting);
          connection.close();
        });
      }

      test("Ctrl-C that comes twice in a moment, from terminal and npm, is one", async () => {
        await using service = await startService();
        const connection = await beginRequest(service);
        service.kill("SIGINT");
        service.kill("SIGINT");
        await service.logged("draining");
        connection.send(BODY);
        await connection.answered('"data":"late"');
        expect(await service.exited).toEqual({ code: 0, signal: null });
      });

      test(
        "is not held up by connections that are kept alive",
        async () => {
          await using service = await startService();
          const connections = Array.from({ length: 10 }, () => open(service));
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
            const connections = Array.from({ length: 10 }, () => open(service));
            for (const connection of connections) connection.send(bytes);
            expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
            expect(await service.stop()).toEqual({ code: 0, signal: null });
            for (const connection of connections) connection.close();
          },
          SOON_MS,
        );
      }

      test("cuts off no answer that its client reads slowly", async () => {
        const bytes = 16 * 1024 * 1024;
        await using service = await startService({ env: { MAX_BODY_BYTES: String(2 * bytes) } });
        const connection = open(service);
        const body = JSON.stringify({ action: "echo", data: "x".repeat(bytes) });
        connection.send(HEAD.replace(/Content-Length: \d+/, `Content-Length: ${body.length}`));
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
          const connection = open(service);
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
          const connection = open(service);
          connection.send(halves[index % halves.length] ?? "");
          return connection;
        });
        expect((await fetch(`${service.url}/books`)).status).toBe(200);
        for (const connection of connections) connection.close();
        expect((await fetch(`${service.url}/books`)).status).toBe(200);
      });

      test("a request that arrives byte by byte is answered", async () => {
        const connection = open(await shared());
        for (const byte of get("Host: a", "Connection: close")) {
          connection.send(byte);
          await Bun.sleep(0);
        }
        await connection.answered("HTTP/1.1 200 OK");
      });

      test("requests sent before the answers are all answered, in order", async () => {
        const connection = open(await shared());
        const ids = Array.from({ length: 20 }, (_, index) => `pipelined-${index}`);
        connection.send(ids.map((id) => get("Host: a", `X-Request-Id: ${id}`)).join(""));
        await connection.answered("pipelined-19");
        const answered = connection.received().matchAll(/X-Request-Id: (\S+)/gi);
        expect(Array.from(answered, (match) => match[1])).toEqual(ids);
        connection.close();
      });

      test("the service is still the same process, and nothing is on standard error", async () => {
        const service = await shared();
        expect(service.log().filter(({ level }) => level === "ERROR")).toEqual([]);
        expect(await service.stop()).toEqual({ code: 0, signal: null });
        expect(service.stderr()).toBe("");
      });
    });
  });
}

/** A raw connection: what it received so far, and whether the other side has closed it. */
function open({ port }: Service) {
  const socket: Socket = connect(port, "127.0.0.1");
  const connection = { socket, received: "", closed: false };
  socket.setEncoding("latin1");
  socket.on("data", (text) => {
    connection.received += text;
  });
  // A reset is one of the ways in which the service may end a connection.
  socket.on("error", () => {});
  socket.on("close", () => {
    connection.closed = true;
  });
  return {
    send: (text: string) => void socket.write(text, "latin1"),
    received: () => connection.received,
    closed: () => connection.closed,
    close: () => socket.destroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    ended: () => eventually("the end of the connection", () => connection.closed || undefined),
    /** Resolves when an answer with this text has come. */
    answered: (text: string) =>
      eventually(`an answer with ${text}`, () => connection.received.includes(text) || undefined),
    /** Resolves when the service has answered or closed the connection. */
    settled: () =>
      eventually("an answer or an end", () =>
        connection.received !== "" || connection.closed ? true : undefined,
      ),
  };
}

const BODY = '{"action":"echo","data":"late"}';
const HEAD = [
  `POST ${PROCESS} HTTP/1.1`,
  "Host: thimble.test",
  `X-API-Key: ${API_KEY}`,
  "Content-Type: application/json",
  `Content-Length: ${BODY.length}`,
  "Expect: 100-continue",
  "",
  "",
].join("\r\n");

/** A request that the service has begun to answer and that still lacks its body. */
export async function beginRequest(service: Service) {
  const connection = open(service);
  connection.send(HEAD);
  await connection.answered("100 Continue");
  return connection;
}
