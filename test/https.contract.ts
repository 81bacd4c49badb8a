import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { connect, type SecureVersion, type TLSSocket } from "node:tls";
import { pem, putCertificate, tlsVariables } from "./certificate.ts";
import { SLOW_POST } from "./connection.ts";
import type { Program, ProgramOptions } from "./program.contract.ts";
import {
  API_KEY,
  eventually,
  newDirectory,
  runToEnd,
  type Service,
  startService,
  type Variables,
} from "./service.ts";

const CLIENTS = 8;

/** What the program does where it is given a certificate, whatever runs it. */
export function httpsContract(
  name: string,
  program: Program,
  { waitsForHandshakes = false, replacesCertificate = true }: ProgramOptions = {},
): void {
  describe(`${name}, with a certificate`, () => {
    /** The service on the first certificate, and the directory that it is in. */
    const start = async (env: Variables = {}) => {
      const directory = newDirectory();
      const variables = { ...putCertificate(directory, "first"), DATABASE_URL: "memory:", ...env };
      return {
        directory,
        service: await startService({ command: await program(), env: variables }),
      };
    };
    const run = async (args: string[], env: Variables) =>
      runToEnd([...(await program()), ...args], env);

    test("serves HTTPS with it, and nothing over plain HTTP", async () => {
      await using service = (await start()).service;
      expect(service.url).toStartWith("https://");
      const response = await ask(service, "/healthz");
      expect(response.status).toBe(200);
      expect(response.headers.get("Strict-Transport-Security")).toContain("max-age=");
      const plain = `http://127.0.0.1:${service.port}/healthz`;
      const overPlain = await fetch(plain).then(
        ({ status }) => status,
        () => "no answer",
      );
      expect(overPlain).toBeOneOf(["no answer", 400]);
    });

    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      test(`speaks ${version}`, async () => {
        await using service = (await start()).service;
        expect(await handshake(service, version)).toBe(version);
      });
    }

    test("does not speak TLSv1.1", async () => {
      await using service = (await start()).service;
      // What a client makes of an alert: it was the service that did not agree.
      await expect(handshake(service, "TLSv1.1")).rejects.toThrow(/_ALERT_/);
    });

    test("is healthy, by its own check", async () => {
      const { directory, service } = await start();
      await using _ = service;
      const env = { HOST: "127.0.0.1", PORT: String(service.port), ...tlsVariables(directory) };
      const healthy = { code: 0, stdout: "ready\n", stderr: "" };
      expect(await run(["healthcheck"], env)).toMatchObject(healthy);
      await service.stop();
      expect(await run(["healthcheck"], env)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`no answer on 127.0.0.1:${service.port}: `),
      });
    });

    test("a port in use exits with 69", async () => {
      const { directory, service } = await start();
      await using _ = service;
      const env = {
        API_KEY,
        HOST: "127.0.0.1",
        PORT: String(service.port),
        DATABASE_URL: "memory:",
      };
      expect(await run(["serve"], { ...env, ...tlsVariables(directory) })).toMatchObject({
        code: 69,
        stderr: `thimble: port ${service.port} is in use; choose another, for example PORT=${service.port + 1}\n`,
      });
    });

    test("files that cannot be used exit with 78 and every problem", async () => {
      const directory = newDirectory();
      const variables = putCertificate(directory, "first");
      writeFileSync(variables.TLS_KEY_FILE, pem("second.key"));
      expect(await run(["serve"], { API_KEY, ...variables })).toMatchObject({
        code: 78,
        stdout: "",
        stderr:
          "thimble: invalid configuration: TLS_KEY_FILE names a key that does not match the certificate " +
          "of TLS_CERT_FILE\n",
      });
    });

    const hasCurl = Bun.which("curl") !== null;
    const reason = hasCurl ? "" : " (skipped: there is no curl here)";

    test.skipIf(!hasCurl)(`prints a curl line that works as it stands${reason}`, async () => {
      const { service } = await start({ ENVIRONMENT: "development", API_KEY: undefined });
      await using _ = service;
      const printed = await eventually("the curl line", () =>
        /^ {2}curl .*\\\n.*$/m.exec(service.stdout())?.at(0),
      );
      const { stdout } = Bun.spawnSync(["sh", "-c", printed], { stderr: "ignore" });
      expect(JSON.parse(stdout.toString())).toMatchObject({ success: true, data: "hello" });
    });

    describe("a signal", () => {
      test("lets a request finish", async () => {
        await using service = (await start()).service;
        const connection = await openTls(service);
        connection.send(SLOW_POST.head);
        await connection.received("100 Continue");
        await endWith(service, async () => {
          connection.send(SLOW_POST.body);
          await connection.received('"data":"late"');
          expect(connection.text()).toMatch(/^connection: close\r$/im);
        });
      });

      test("cuts off no answer that its client reads slowly", async () => {
        const bytes = 16 * 1024 * 1024;
        await using service = (await start({ MAX_BODY_BYTES: String(2 * bytes) })).service;
        const connection = await openTls(service);
        const body = JSON.stringify({ action: "echo", data: "x".repeat(bytes) });
        connection.send(
          SLOW_POST.head.replace(/Content-Length: \d+/, `Content-Length: ${body.length}`),
        );
        await connection.received("100 Continue");
        connection.send(body);
        await connection.received("200 OK");
        connection.socket.pause();
        await endWith(service, async () => {
          connection.socket.resume();
        });
        await connection.ended();
        const [, answer = ""] = connection.text().split(/\r\n\r\n(?={)/);
        expect(JSON.parse(answer).data).toHaveLength(bytes);
      });

      test("is not held up by connections that are idle or in their handshake", async () => {
        const env = waitsForHandshakes ? { DRAIN_TIMEOUT_SECONDS: "1" } : {};
        await using service = (await start(env)).service;
        const silent = connectTcp(service.port, "127.0.0.1");
        // A reset is how the service ends it.
        silent.on("error", () => {});
        silent.write("\x16\x03\x01");
        const idle = await openTls(service);
        idle.send(GET);
        await idle.received("\r\n\r\nOK");
        expect(await service.stop()).toEqual({ code: 0, signal: null });
        const isCut = service.log().some(({ message }) => message === "requests cut off");
        expect(isCut).toBe(waitsForHandshakes);
        expect(service.stderr()).toBe("");
        silent.destroy();
      });
    });

    if (!replacesCertificate) {
      test("says that another certificate needs a restart, and goes on with the first", async () => {
        const { directory, service } = await start();
        await using _ = service;
        putCertificate(directory, "second");
        await service.logged("the certificate changed; this runtime serves it after a restart");
        expect(await subject(service)).toBe("first");
      });
      return;
    }

    describe("another certificate in its files", () => {
      test("is shown to new connections; older ones are kept", async () => {
        const { directory, service } = await start();
        await using _ = service;
        const early = await openTls(service);
        early.send(GET);
        await early.received("\r\n\r\nOK");
        expect(await subject(service)).toBe("first");
        putCertificate(directory, "second");
        await service.logged("certificate changed");
        early.send(GET.replace("/healthz", "/books/1"));
        await early.received('"title":"1984"');
        await showsOnly(service, "second");
        expect(service.stderr()).toBe("");
        expect(await service.stop()).toEqual({ code: 0, signal: null });
      });

      for (const [what, files, problem] of [
        [
          "does not match its key",
          { TLS_KEY_FILE: pem("second.key") },
          "TLS_KEY_FILE names a key that does not match the certificate of TLS_CERT_FILE",
        ],
        [
          "is too weak",
          { TLS_CERT_FILE: pem("weak.crt"), TLS_KEY_FILE: pem("weak.key") },
          expect.stringMatching(/^TLS_KEY_FILE names a key that is too weak: RSA of 512 bits; /),
        ],
      ] as const) {
        test(`that ${what} is an error of the log, and the last one stays`, async () => {
          const { directory, service } = await start();
          await using _ = service;
          const paths: Record<string, string> = tlsVariables(directory);
          for (const [name, text] of Object.entries(files)) {
            writeFileSync(paths[name] ?? "", text);
          }
          const line = await service.logged(
            "the new certificate cannot be used; the last one stays",
          );
          expect(line).toMatchObject({ level: "ERROR", problems: [problem] });
          expect(await subject(service)).toBe("first");
        });
      }

      test("costs no client that keeps its connection a request", async () => {
        const { directory, service } = await start();
        await using _ = service;
        const load = startLoad(service);
        const changes = () =>
          service.log().filter(({ message }) => message === "certificate changed").length;
        for (const [turn, name] of (["second", "first", "second"] as const).entries()) {
          putCertificate(directory, name);
          await eventually("the change", () => changes() > turn || undefined);
        }
        await showsOnly(service, "second");
        expect(await load.finish()).toEqual([]);
      });
    });
  });
}

const GET = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
function ask({ url }: Service, path: string): Promise<Response> {
  return fetch(url + path, { tls: { ca: pem("first.crt") } });
}

/** A TLS connection that accepts any certificate, and what it has received so far. */
async function openTls({ port }: Service, version?: SecureVersion) {
  const versions = version && { minVersion: version, maxVersion: version };
  const options = { port, host: "127.0.0.1", rejectUnauthorized: false, ...versions };
  const socket: TLSSocket = connect(options);
  const state = { text: "", closed: false };
  socket.setEncoding("latin1").on("data", (text: string) => {
    state.text += text;
  });
  socket.on("close", () => {
    state.closed = true;
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  // A reset is one of the ways in which the service may end a connection.
  socket.on("error", () => {});
  return {
    socket,
    send: (text: string) => void socket.write(text, "latin1"),
    text: () => state.text,
    closed: () => state.closed,
    ended: () => eventually("the end of the connection", () => state.closed || undefined),
    received: (text: string) =>
      eventually(`an answer with ${text}`, () => state.text.includes(text) || undefined),
  };
}

/** The version of TLS that a handshake comes to. @throws {Error} where it fails. */
async function handshake(service: Service, version: SecureVersion): Promise<string | null> {
  const { socket } = await openTls(service, version);
  const protocol = socket.getProtocol();
  socket.destroy();
  return protocol;
}

/** The name in the certificate that a new connection is shown. */
async function subject(service: Service): Promise<string | undefined> {
  const { socket } = await openTls(service);
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

/** Resolves when many new connections are all shown this certificate. */
async function showsOnly(service: Service, name: string): Promise<void> {
  await eventually(`only the certificate ${name} is shown`, async () => {
    const connections = Array.from({ length: 10 }, () => subject(service));
    const shown = await Promise.allSettled(connections);
    // One may be refused in the moment in which Bun's old listener ends.
    return shown.every((each) => each.status === "fulfilled" && each.value === name) || undefined;
  });
}

/** Asks the service to end, goes on when it drains, and expects the end that was asked for. */
async function endWith(service: Service, goOn: () => Promise<void>): Promise<void> {
  service.kill("SIGTERM");
  await service.logged("draining");
  await goOn();
  expect(await service.exited).toEqual({ code: 0, signal: null });
  expect(service.log().map(({ message }) => message)).not.toContain("requests cut off");
}

/** Clients that ask without a pause, and connect again if an answer says so; `finish` returns what failed. */
function startLoad(service: Service) {
  const failures: string[] = [];
  let isOver = false;

  async function client(): Promise<void> {
    while (!isOver) {
      const connection = await openTls(service);
      for (let turn = 1; !isOver && !/^connection: close\r$/im.test(connection.text()); turn += 1) {
        connection.send(GET);
        const answers = () => connection.text().split("\r\n\r\nOK").length - 1;
        while (answers() < turn && !connection.closed()) await Bun.sleep(0);
        if (answers() < turn) failures.push(connection.text().slice(-200) || "no answer");
        if (connection.closed()) break;
      }
      connection.socket.destroy();
    }
  }

  const clients = Array.from({ length: CLIENTS }, client);
  return {
    finish: async () => {
      isOver = true;
      await Promise.all(clients);
      return failures;
    },
  };
}
