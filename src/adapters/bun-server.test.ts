import { afterEach, describe, expect, test } from "bun:test";
import http from "node:http";
import { connect as connectTcp } from "node:net";
import { connect } from "node:tls";
import { pem } from "../../test/certificate.ts";
import { eventually } from "../../test/service.ts";
import type { Fetch, ListenOptions, Server } from "../server/runtime.ts";
import { listen } from "./bun-server.ts";

const HOST = "127.0.0.1";
/** Bun looks for idle connections every four seconds. */
const BEYOND_IDLE_MS = 9000;
const TEST_TIMEOUT_MS = 30_000;
const pairs = {
  first: { cert: pem("first.crt"), key: pem("first.key") },
  second: { cert: pem("second.crt"), key: pem("second.key") },
};

let servers: Server[] = [];

afterEach(() => {
  for (const server of servers) server.closeAllConnections();
  servers = [];
});

async function open(fetch: Fetch, options: Partial<ListenOptions> = {}): Promise<Server> {
  const server = await listen(fetch, {
    ...{ host: HOST, port: 0, idleTimeoutSeconds: 10, requestTimeoutSeconds: 10 },
    maxHeadBytes: 16_384,
    ...options,
  });
  servers.push(server);
  return server;
}

/** An app whose only answer, the peer's address, waits for the test's permission. */
function openGate() {
  const gate = Promise.withResolvers<void>();
  const fetch: Fetch = async (_request, { peerAddress }) => {
    await gate.promise;
    return new Response(peerAddress);
  };
  return { fetch, open: gate.resolve };
}

async function subject({ port }: Server): Promise<unknown> {
  const socket = connect({ port, host: HOST, rejectUnauthorized: false });
  await new Promise((resolve) => socket.once("secureConnect", resolve));
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

for (const [scheme, tls] of [
  ["http", undefined],
  ["https", pairs.first],
] as const) {
  describe(`a server of ${scheme}`, () => {
    const begin = async () => {
      const { fetch: answer, open: finish } = openGate();
      const server = await open(answer, tls && { tls });
      const answered = fetch(`${scheme}://${HOST}:${server.port}/`, {
        tls: { rejectUnauthorized: false },
      });
      const inFlight = (count: number) =>
        eventually(`${count} pending`, () => server.inFlight() === count || undefined);
      return { server, answered, finish, inFlight };
    };

    test("stops when the requests in flight are answered", async () => {
      const { server, answered, finish, inFlight } = await begin();
      await inFlight(1);
      const stopped = server.stop();
      finish();
      expect(await (await answered).text()).toBe(HOST);
      await stopped;
      expect(server.inFlight()).toBe(0);
    });

    test("cuts off the requests in flight", async () => {
      const { server, answered, inFlight } = await begin();
      await inFlight(1);
      server.closeAllConnections();
      await expect(answered).rejects.toThrow();
    });

    test("refuses a port on which another server listens", async () => {
      const { port } = await open(() => new Response(), tls && { tls });
      const second = () => open(() => new Response(), { port, ...(tls && { tls }) });
      await expect(second()).rejects.toMatchObject({ code: "EADDRINUSE" });
    });
  });
}

test("an answer is unsent until its client has taken it", async () => {
  let unsent = () => -1;
  const server = await open((_request, connection) => {
    unsent = connection.unsent ?? unsent;
    return new Response("x".repeat(16 * 1024 * 1024));
  });
  const socket = connectTcp(server.port, HOST);
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await eventually("an answer that waits", () => unsent() === 1 || undefined);
  socket.resume();
  await eventually("no answer that waits", () => unsent() === 0 || undefined);
  socket.destroy();
});

describe("a server of plain HTTP", () => {
  /** Sends raw bytes; returns everything that the server sends until it closes the connection. */
  async function send(server: Server, bytes: string): Promise<string> {
    let [received, isClosed] = ["", false];
    const socket = connectTcp(server.port, HOST);
    socket.on("data", (chunk) => {
      received += chunk;
    });
    socket.on("close", () => {
      isClosed = true;
    });
    socket.write(bytes);
    await eventually("the end of the connection", () => isClosed || undefined);
    return received;
  }

  test("gives a request without a host an absolute URL", async () => {
    const server = await open(({ url }) => new Response(url));
    expect(await send(server, "GET /a?b=c HTTP/1.0\r\n\r\n")).toEndWith("http://localhost/a?b=c");
  });

  const POST = "POST / HTTP/1.1\r\nHost: a\r\n";
  // Where this fails, Bun has learned what RFC 9112 asks for, and docs/limits.md has to say so.
  for (const [what, bytes, answered] of [
    [
      "a trailer (oven-sh/bun#32887)",
      `${POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-A: a\r\n\r\n`,
      "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    ],
    [
      "an empty line after a body (oven-sh/bun#33634)",
      `${POST}Content-Length: 2\r\n\r\n{}\r\n`,
      "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    ],
    [
      "a request after one whose answer has to wait (oven-sh/bun#33664)",
      `${POST}Content-Length: 2\r\n\r\n{}`.repeat(2),
      "",
    ],
  ] as const) {
    test(`loses the answer for ${what}, and says so in time`, async () => {
      const aborted: boolean[] = [];
      const server = await open(async (request) => {
        await request.text();
        await Bun.sleep(0);
        aborted.push(request.signal.aborted);
        return new Response("done");
      });
      expect(await send(server, bytes)).toBe(answered);
      expect(aborted).toEqual([true]);
    });
  }

  test("accepts a longer head if the limit allows it", async () => {
    const { maxHeaderSize } = http;
    const server = await open(() => new Response("taken"), { maxHeadBytes: 40_000 });
    const head = `GET / HTTP/1.0\r\nX-Long: ${"x".repeat(30_000)}\r\n\r\n`;
    expect(await send(server, head)).toEndWith("taken");
    Object.assign(http, { maxHeaderSize });
  });

  test("keeps the limit of a head if Bun was started with a greater one", async () => {
    const { maxHeaderSize } = http;
    process.execArgv.push("--max-http-header-size=50000");
    await open(() => new Response("taken"), { maxHeadBytes: 40_000 });
    process.execArgv.pop();
    expect(http.maxHeaderSize).toBe(maxHeaderSize);
  });

  test(
    "closes an idle connection, but not one with a request in flight",
    async () => {
      const server = await open(
        async () => {
          await Bun.sleep(BEYOND_IDLE_MS);
          return new Response("late");
        },
        { idleTimeoutSeconds: 1, requestTimeoutSeconds: 30 },
      );
      expect(await send(server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).toEndWith("late");
    },
    TEST_TIMEOUT_MS,
  );
});

describe("another certificate", () => {
  test("is used for new connections, while earlier requests are answered", async () => {
    const { fetch: answer, open: finish } = openGate();
    const server = await open(answer, { tls: pairs.first });
    const url = `https://${HOST}:${server.port}/`;
    const answered = fetch(url, { tls: { ca: pairs.first.cert } });
    await eventually("the request", () => server.inFlight() === 1 || undefined);
    server.setTls?.(pairs.second);
    await eventually("the second certificate", async () =>
      (await subject(server)) === "second" ? true : undefined,
    );
    finish();
    const response = await answered;
    expect(response.headers.get("Connection")).toBe("close");
    expect(await response.text()).toBe(HOST);
    await server.stop();
  });

  test("that cannot be used leaves the last one in use", async () => {
    const server = await open(() => new Response(), { tls: pairs.first });
    const wrong = { cert: pairs.first.cert, key: pairs.second.key };
    expect(() => server.setTls?.(wrong)).toThrow();
    expect(await subject(server)).toBe("first");
  });

  test("has no effect on a server of plain HTTP", async () => {
    expect((await open(() => new Response())).setTls).toBeUndefined();
  });
});
