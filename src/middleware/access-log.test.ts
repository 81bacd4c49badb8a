import { describe, expect, test } from "bun:test";
import { API_KEY, openApp } from "../../test/app.ts";

describe("every request is one line", () => {
  const rows: [method: string, path: string, status: number][] = [
    ["GET", "/health", 200],
    ["HEAD", "/books", 200],
    ["GET", "/nothing", 404],
    ["POST", "/books", 401],
    ["DELETE", "/health", 405],
    ["OPTIONS", "/books", 204],
  ];
  for (const [method, path, status] of rows) {
    test(`${method} ${path}`, async () => {
      const { request, log } = openApp();
      await request(path, { method, headers: { "X-Request-Id": "an-id" } });
      expect(log).toEqual([
        {
          timestamp: expect.any(String),
          level: "INFO",
          logger: "thimble",
          message: "request",
          request_id: "an-id",
          method,
          path,
          status,
          duration_ms: expect.any(Number),
        },
      ]);
    });
  }
});

test("a request that a key was needed for is logged with its name", async () => {
  const { request, log } = openApp();
  for (const key of [API_KEY, "another-key-of-16"]) {
    await request("/books/99", { method: "DELETE", headers: { "X-API-Key": key } });
  }
  await request("/books/1", { headers: { "X-API-Key": API_KEY } });
  expect(log.map(({ key_name }) => key_name)).toEqual(["default", undefined, undefined]);
});

test("neither the query, nor the body, nor the key is logged", async () => {
  const { request, log } = openApp({ config: { debug: true } });
  await request("/books?q=hidden-query");
  await request("/api/v1/process", {
    method: "POST",
    headers: { "X-API-Key": API_KEY, "Content-Type": "application/json" },
    body: '{"action":"echo","data":"hidden-body"}',
  });
  await request("/books", {
    method: "POST",
    headers: { Authorization: "Bearer hidden-key-12345" },
  });
  expect(log).toHaveLength(3);
  const text = JSON.stringify(log);
  expect(text).not.toContain("hidden");
  expect(text).not.toContain(API_KEY);
});
