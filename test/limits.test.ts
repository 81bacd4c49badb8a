import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { openConnection } from "./connection.ts";
import { FROM_SOURCE } from "./program.ts";
import { API_KEY, eventually, type Service, startService, type Variables } from "./service.ts";

// Bun looks for idle connections only every few seconds.
setDefaultTimeout(60_000);

const KEY = { "X-API-Key": API_KEY };

function start(env: Variables): Promise<Service> {
  return startService({ command: FROM_SOURCE, env: { DATABASE_URL: "memory:", ...env } });
}

/** The head of a request with a Content-Length, whose body may never come. */
function head(bytes: number): string {
  return [
    "POST /api/v1/process HTTP/1.1",
    "Host: thimble.test",
    `X-API-Key: ${API_KEY}`,
    "Content-Type: application/json",
    `Content-Length: ${bytes}`,
    "Expect: 100-continue",
    "",
    "",
  ].join("\r\n");
}

/** A request whose body the service waits for. */
async function beginRequest(service: Service) {
  const connection = openConnection(service);
  connection.send(head(BODY.length));
  await connection.answered("100 Continue");
  return connection;
}

const BODY = '{"action":"echo","data":"late"}';

describe("RATE_LIMIT", () => {
  test("counts by the connection's address, and by the key", async () => {
    await using service = await start({ RATE_LIMIT: "3/hour" });
    const ask = async (headers: Record<string, string> = {}) => {
      const statuses: number[] = [];
      for (let turn = 0; turn < 4; turn += 1) {
        const forged = { "X-Forwarded-For": `203.0.113.${turn}` };
        const response = await fetch(`${service.url}/books`, {
          headers: { ...headers, ...forged },
        });
        statuses.push(response.status);
      }
      return statuses;
    };
    expect(await ask()).toEqual([200, 200, 200, 429]);
    expect(await ask(KEY)).toEqual([200, 200, 200, 429]);
    const refused = await fetch(`${service.url}/books`);
    expect(Number(refused.headers.get("Retry-After"))).toBeWithin(3500, 3601);
    expect(refused.headers.get("RateLimit-Policy")).toBe('"default";q=3;w=3600');
    expect((await fetch(`${service.url}/ready`)).status).toBe(200);
    expect((await fetch(`${service.url}/metrics`, { headers: KEY })).status).toBe(200);
  });

  test("counts by the address from trusted proxies, and an IPv6 network as one", async () => {
    await using service = await start({ RATE_LIMIT: "1/hour", TRUST_PROXY: "1" });
    const ask = async (client: string) =>
      (await fetch(`${service.url}/books`, { headers: { "X-Forwarded-For": client } })).status;
    expect(await ask("192.0.2.1")).toBe(200);
    expect(await ask("192.0.2.2")).toBe(200);
    expect(await ask("203.0.113.9, 192.0.2.1:8080")).toBe(429);
    expect(await ask("2001:db8::1")).toBe(200);
    expect(await ask("[2001:db8::2]:8080")).toBe(429);
    expect(await ask("2001:db8:0:1::1")).toBe(200);
  });

  for (const [networks, isProxy] of [
    ["127.0.0.0/8,::1", true],
    ["10.0.0.0/8,fd00::/8", false],
  ] as const) {
    test(`counts by the address from proxies ${isProxy ? "within" : "only within"} ${networks}`, async () => {
      await using service = await start({ RATE_LIMIT: "1/hour", TRUST_PROXY: networks });
      const ask = async (client: string) =>
        (await fetch(`${service.url}/books`, { headers: { "X-Forwarded-For": client } })).status;
      expect(await ask("192.0.2.1, 127.0.0.2")).toBe(200);
      expect(await ask("203.0.113.9, 192.0.2.1")).toBe(429);
      expect(await ask("192.0.2.2")).toBe(isProxy ? 200 : 429);
    });
  }

  for (const [environment, limit] of [
    ["production", '"default";q=600;w=60'],
    ["staging", '"default";q=600;w=60'],
    ["test", null],
    ["development", null],
  ] as const) {
    test(`is ${limit ?? "off"} by default in ${environment}`, async () => {
      await using service = await start({ ENVIRONMENT: environment, RATE_LIMIT: undefined });
      const { headers } = await fetch(`${service.url}/books`);
      expect(headers.get("RateLimit-Policy")).toBe(limit);
    });
  }
});

describe("MAX_CONCURRENT_REQUESTS", () => {
  const ENV = { MAX_CONCURRENT_REQUESTS: "1", REQUEST_TIMEOUT_SECONDS: "20" };
  const statusOf = async (service: Service, path: string) =>
    (await fetch(service.url + path, { headers: KEY })).status;
  const hasRoom = (service: Service) =>
    eventually("room", async () => (await statusOf(service, "/books")) === 200 || undefined);

  test("refuses one more, never a health route or /metrics, and accepts again after an answer", async () => {
    await using service = await start(ENV);
    const connection = await beginRequest(service);
    const refused = await fetch(`${service.url}/books`);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("Retry-After")).toBe("1");
    expect(await refused.json()).toMatchObject({ error: "Service overloaded" });
    expect(await statusOf(service, "/ready")).toBe(200);
    expect(await statusOf(service, "/metrics")).toBe(200);
    connection.send(BODY);
    await connection.answered("200 OK");
    await hasRoom(service);
    connection.close();
  });

  test("accepts again after a client disconnects", async () => {
    await using service = await start(ENV);
    const connection = await beginRequest(service);
    expect(await statusOf(service, "/books")).toBe(503);
    connection.close();
    await hasRoom(service);
  });

  test("accepts again after a request timed out", async () => {
    await using service = await start({ ...ENV, REQUEST_TIMEOUT_SECONDS: "1" });
    const connection = await beginRequest(service);
    expect(await statusOf(service, "/books")).toBe(503);
    await connection.answered("Request timed out");
    await hasRoom(service);
  });
});

describe("REQUEST_TIMEOUT_SECONDS", () => {
  test("covers a body that comes byte by byte", async () => {
    await using service = await start({ REQUEST_TIMEOUT_SECONDS: "1" });
    const connection = openConnection(service);
    connection.send(head(1000));
    const dribble = setInterval(() => connection.send("x"), 50);
    await connection.ended();
    clearInterval(dribble);
    expect(connection.received()).toContain("HTTP/1.1 503 Service Unavailable");
    expect(connection.received()).toContain('"error":"Request timed out"');
    expect((await service.logged("request")).status).toBe(503);
  });
});

// Concurrently, because each of them waits for Bun.
describe.concurrent("IDLE_TIMEOUT_SECONDS", () => {
  test("closes a silent connection, but not one with a request in flight", async () => {
    await using service = await start({ IDLE_TIMEOUT_SECONDS: "1", REQUEST_TIMEOUT_SECONDS: "30" });
    const busy = await beginRequest(service);
    const idle = openConnection(service);
    idle.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    await idle.answered("\r\n\r\nOK");
    await idle.ended();
    expect(busy.closed()).toBe(false);
    busy.send(BODY);
    await busy.answered('"data":"late"');
    await busy.ended();
  });

  test.each(["620", "off"])("may be %s, and limits no request in flight", async (value) => {
    const env = { IDLE_TIMEOUT_SECONDS: value, REQUEST_TIMEOUT_SECONDS: "1" };
    await using service = await start(env);
    const busy = await beginRequest(service);
    await busy.answered('"error":"Request timed out"');
    await busy.ended();
  });

  test("a head that comes byte by byte is cut off", async () => {
    await using service = await start({});
    const connection = openConnection(service);
    connection.send("GET /healthz HTTP/1.1\r\nA: ");
    const dribble = setInterval(() => connection.send("x"), 200);
    await connection.ended();
    clearInterval(dribble);
    expect(connection.received()).toBe("");
  });
});

describe("a body is limited by its bytes:", () => {
  const post = (...headers: string[]) =>
    [
      "POST /api/v1/process HTTP/1.1",
      "Host: thimble.test",
      `X-API-Key: ${API_KEY}`,
      "Content-Type: application/json",
      ...headers,
      "",
      "",
    ].join("\r\n");

  test("endless chunks are refused when they are too many", async () => {
    await using service = await start({ MAX_BODY_BYTES: "1000", IDLE_TIMEOUT_SECONDS: "1" });
    const connection = openConnection(service);
    connection.send(post("Transfer-Encoding: chunked"));
    const flood = setInterval(() => connection.send(`64\r\n${"x".repeat(100)}\r\n`), 5);
    await connection.answered("HTTP/1.1 413");
    await connection.ended();
    clearInterval(flood);
  });

  test("a length that is too large is refused before a byte of it is sent", async () => {
    await using service = await start({ MAX_BODY_BYTES: "1000" });
    const connection = openConnection(service);
    connection.send(post("Content-Length: 1001"));
    await connection.answered('"error":"Request body too large"');
    connection.close();
  });

  test("the connection can be used again after a body that was too large", async () => {
    await using service = await start({ MAX_BODY_BYTES: "1000" });
    const connection = openConnection(service);
    connection.send(post("Content-Length: 5000") + "x".repeat(5000));
    await connection.answered('"error":"Request body too large"');
    connection.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    await connection.answered("\r\n\r\nOK");
    connection.close();
  });

  const lies: [what: string, request: string][] = [
    ["two lengths", `${post("Content-Length: 5", "Content-Length: 6")}123456`],
    ["a length that is negative", `${post("Content-Length: -5")}12345`],
    ["a length and chunks", `${post("Content-Length: 5", "Transfer-Encoding: chunked")}0\r\n\r\n`],
    ["a length beyond all numbers", `${post("Content-Length: 99999999999999999999")}123456`],
  ];
  for (const [what, request] of lies) {
    test(`${what} end the connection with a 400`, async () => {
      await using service = await start({});
      const connection = openConnection(service);
      connection.send(request);
      await connection.ended();
      expect(connection.received()).toStartWith("HTTP/1.1 400 ");
    });
  }
});

describe("file descriptors", () => {
  const REQUEST = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
  const TOO_LOW =
    "the limit of open files is lower than MAX_CONCURRENT_REQUESTS and DATABASE_POOL_SIZE need; " +
    "raise it (ulimit -n, LimitNOFILE), or lower them";

  /** The service with at most this number of open files. */
  const startWith = (files: number, env: Variables = {}) =>
    startService({
      command: ["sh", "-c", `ulimit -n ${files}; exec "$@"`, "sh", ...FROM_SOURCE],
      env: { DATABASE_URL: "memory:", ...env },
    });

  test("whose limit is too low for the other limits are a warning at the start", async () => {
    const env = { MAX_CONCURRENT_REQUESTS: "100", DATABASE_POOL_SIZE: "1" };
    await using enough = await startWith(165, env);
    await using fewer = await startWith(164, env);
    expect(await fewer.logged(TOO_LOW)).toMatchObject({
      ...{ level: "WARNING", max_fds: 164, needed: 165 },
    });
    expect((await fetch(`${enough.url}/healthz`)).status).toBe(200);
    expect(enough.log().some(({ message }) => message === TOO_LOW)).toBe(false);
  });

  test("that run out are taken from idle connections, so that everybody is answered", async () => {
    await using service = await startWith(64);
    const connections = Array.from({ length: 100 }, () => openConnection(service));
    for (const connection of connections) connection.send(REQUEST);
    await Promise.all(connections.map(({ answered }) => answered("\r\n\r\nOK")));
    expect(
      await service.logged("no file descriptor is left; idle connections are closed"),
    ).toMatchObject({ level: "WARNING", max_fds: 64 });
    await eventually(
      "a closed connection",
      () => connections.some(({ closed }) => closed()) || undefined,
    );
    for (const connection of connections) connection.close();
  });
});
