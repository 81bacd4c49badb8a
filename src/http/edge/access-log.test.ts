import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { API_KEY, openApp } from "../../../test/app.ts";
import { answer, answerJson } from "../answer.ts";
import type { AppEnv } from "../env.ts";
import { accessLog } from "./access-log.ts";
import { edge } from "./edge.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const IDS = { "X-Request-Id": "an-id", traceparent: `00-${TRACE}-b7ad6b7169203331-01` };
const KEYED = { "X-API-Key": API_KEY, "Content-Type": "application/json" };

describe("every request is one line", () => {
  const rows: [method: string, path: string, status: number, route?: string][] = [
    ["GET", "/health", 200, "/health"],
    ["HEAD", "/books", 200, "/books"],
    ["GET", "/books/1", 200, "/books/:id"],
    ["GET", "/api/v1/books/1", 200, "/api/v1/books/:id"],
    ["GET", "/books/99", 404, "/books/:id"],
    ["GET", "/nothing", 404],
    ["POST", "/books", 401, "/books"],
    ["DELETE", "/health", 405],
    ["OPTIONS", "/books", 204],
  ];
  for (const [method, path, status, route] of rows) {
    test(`${method} ${path}`, async () => {
      const { app, log } = openApp();
      const request = new Request(`http://thimble.test${path}`, { method, headers: IDS });
      const response = await app.fetch(request, { peerAddress: "192.0.2.7" });
      expect(log).toEqual([
        {
          timestamp: expect.any(String),
          level: "INFO",
          logger: "thimble",
          message: "request",
          request_id: "an-id",
          trace_id: TRACE,
          method,
          ...(route !== undefined && { route }),
          path,
          status,
          duration_ms: expect.any(Number),
          bytes: (await response.arrayBuffer()).byteLength,
          client_address: "192.0.2.7",
        },
      ]);
    });
  }
});

test("a right key is logged with its name, on routes that need one and on those that do not", async () => {
  const { request, log } = openApp();
  for (const key of [API_KEY, "another-key-of-16"]) {
    const headers = { "X-API-Key": key };
    for (const method of ["DELETE", "GET"]) await request("/books/99", { method, headers });
  }
  const names = log.filter(({ message }) => message === "request").map((line) => line.key_name);
  expect(names).toEqual(["default", "default", undefined, undefined]);
});

describe("the bytes of a body are those that are sent:", () => {
  const body = JSON.stringify({ action: "echo", data: "é😀" });
  const rows: [what: string, path: string, init?: RequestInit][] = [
    ["text", "/healthz"],
    ["a page", "/", { headers: { Accept: "text/html" } }],
    ["the OpenAPI document", "/openapi.json"],
    ["a list", "/books"],
    ["a character outside of ASCII", "/api/v1/process", { method: "POST", headers: KEYED, body }],
    ["a problem", "/books/99"],
  ];
  for (const [what, path, init] of rows) {
    test(what, async () => {
      const { request, log } = openApp();
      const { byteLength } = await (await request(path, init)).arrayBuffer();
      expect(byteLength).toBeGreaterThan(0);
      expect(log.at(-1)).toMatchObject({ bytes: byteLength });
    });
  }

  const { logger, lines } = (() => {
    const lines: Record<string, unknown>[] = [];
    const none = () => {};
    const info = (_message: string, fields = {}) => void lines.push(fields);
    return { lines, logger: { debug: none, info, warning: none, error: none } };
  })();
  const other = new Hono<AppEnv>()
    .use(edge({ finishes: [accessLog(logger)] }))
    .get("/buffer", (c) => answer(c, new Uint8Array(5), 200, {}))
    .get("/declared", () => new Response("four", { headers: { "Content-Length": "4" } }))
    .get("/stream", () => new Response(new Blob(["some"]).stream()))
    .get("/json", (c) => answerJson(c, { a: "é" }, 418))
    .get("/empty", (c) => c.body(null, 204));

  for (const [path, bytes] of [
    ["/buffer", 5],
    ["/declared", 4],
    ["/stream", undefined],
    ["/json", 10],
    ["/empty", 0],
  ] as const) {
    test(`${bytes ?? "none are known"} of ${path}`, async () => {
      await other.request(path);
      expect(lines.at(-1)?.bytes).toBe(bytes);
    });
  }
});

test("whose key it was, and which client, are named where they are known", async () => {
  const { app, log } = openApp();
  app.use("/known", async (c, next) => {
    c.set("keyName", "reader");
    await next();
  });
  await app.fetch(new Request("http://thimble.test/known"), { peerAddress: "192.0.2.7" });
  expect(log).toMatchObject([{ key_name: "reader", client_address: "192.0.2.7" }]);
});

test("it can be turned off; what goes wrong is logged all the same", async () => {
  const fail = async () => {
    throw new Error("it broke");
  };
  const { request, log } = openApp({ config: { logAccess: false }, store: { list: fail } });
  await request("/health");
  expect(log).toEqual([]);
  await request("/books", { headers: IDS });
  expect(log).toMatchObject([
    { level: "ERROR", message: "request failed", request_id: "an-id", trace_id: TRACE },
  ]);
});

test("neither the query, nor the body, nor the key is logged", async () => {
  const { request, log } = openApp({ config: { debug: true }, logLevel: "DEBUG" });
  await request("/books?q=hidden-query");
  await request("/api/v1/process", {
    method: "POST",
    headers: KEYED,
    body: '{"action":"echo","data":"hidden-body"}',
  });
  await request("/books", {
    method: "POST",
    headers: { Authorization: "Bearer hidden-key-12345", tracestate: "hidden=state" },
  });
  expect(log.map(({ level }) => level)).toEqual(["INFO", "INFO", "WARNING", "DEBUG", "INFO"]);
  const text = JSON.stringify(log);
  expect(text).not.toContain("hidden");
  expect(text).not.toContain(API_KEY);
});
