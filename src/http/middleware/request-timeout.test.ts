import { describe, expect, test } from "bun:test";
import { API_KEY, openApp } from "../../../test/app.ts";
import { withDeadline } from "../../time.ts";

const SOON = { requestTimeoutSeconds: 0.02 };

/** Much longer than that, but shorter than the test runner's own limit, which gives no reason. */
const LIMIT_MS = 4000;

describe("a handler that takes too long", () => {
  test("is answered with a 503 that says when to try again", async () => {
    const never = new Promise<never>(() => {});
    const { request } = openApp({ config: SOON, store: { list: () => never } });
    const response = await request("/books", { headers: { "X-Request-Id": "slow-1" } });
    expect(response.status).toBe(503);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    expect(response.headers.get("Retry-After")).toBe("5");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(await response.json()).toEqual({
      type: "about:blank",
      title: "Service Unavailable",
      status: 503,
      detail: "No answer was ready within 0.02 s.",
      request_id: "slow-1",
      trace_id: expect.any(String),
      success: false,
      error: "Request timed out",
    });
  });

  test("is answered for wherever its route is", async () => {
    const { app, request } = openApp({ config: SOON });
    app.get("/own/route", () => new Promise<never>(() => {}));
    expect((await request("/own/route")).status).toBe(503);
  });

  test("is logged as a 503", async () => {
    const never = new Promise<never>(() => {});
    const { request, log } = openApp({ config: SOON, store: { list: () => never } });
    await request("/books", { headers: { "X-Request-Id": "slow-2" } });
    expect(log).toMatchObject([
      { level: "WARNING", message: "request refused", request_id: "slow-2" },
      { level: "INFO", message: "request", request_id: "slow-2", status: 503 },
    ]);
  });

  for (const outcome of ["answers", "fails"] as const) {
    test(`changes nothing when it ${outcome} after all`, async () => {
      const late = Promise.withResolvers<never[]>();
      const { request } = openApp({ config: SOON, store: { list: () => late.promise } });
      const response = await request("/books");
      expect(response.status).toBe(503);
      if (outcome === "answers") late.resolve([]);
      else late.reject(new Error("too late"));
      expect(await response.json()).toMatchObject({ error: "Request timed out" });
      expect((await request("/health")).status).toBe(200);
    });
  }
});

test("a store that hangs after the body has arrived is answered with a 503, once", async () => {
  const never = new Promise<never>(() => {});
  const { request, log } = openApp({ config: SOON, store: { create: () => never } });
  const answer = request("/books", {
    method: "POST",
    headers: { "X-API-Key": API_KEY, "Content-Type": "application/json" },
    body: JSON.stringify({ title: "Emma", author: "Jane Austen", year: 1815 }),
  });
  const response = await withDeadline(answer, LIMIT_MS, () => {
    throw new Error(`No answer within ${LIMIT_MS} ms`);
  });
  expect(response.status).toBe(503);
  expect(response.headers.has("Connection")).toBe(false);
  expect(await response.json()).toMatchObject({ error: "Request timed out" });
  expect(log.map(({ message }) => message)).toEqual(["request refused", "request"]);
});

test("a handler that is fast enough is not disturbed", async () => {
  const { request } = openApp({ config: SOON });
  expect((await request("/books/1")).status).toBe(200);
});

describe("a body that does not arrive in time", () => {
  for (const [what, begin] of [
    ["at all", ""],
    ["whole", '{"action":"echo","data":"'],
    ["to the end of a character", '{"action":"echo","data":"\u00e9'],
  ] as const) {
    test(`${what} is answered for with a 503, once, and the connection is closed`, async () => {
      const cancelled = Promise.withResolvers<void>();
      const bytes = new TextEncoder()
        .encode(begin)
        .slice(0, what.includes("character") ? -1 : undefined);
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(bytes),
        cancel: () => cancelled.resolve(),
      });
      const { request, log } = openApp({ config: SOON });
      const init: RequestInit & { duplex: "half" } = {
        method: "POST",
        headers: { "X-API-Key": API_KEY, "Content-Type": "application/json" },
        body,
        duplex: "half",
      };
      const response = await request("/api/v1/process", init);
      expect(response.status).toBe(503);
      expect(response.headers.get("Connection")).toBe("close");
      expect(await response.json()).toMatchObject({ error: "Request timed out" });
      await cancelled.promise;
      expect(log).toMatchObject([
        { level: "WARNING", message: "request refused" },
        { level: "INFO", message: "request", status: 503 },
      ]);
    });
  }
});
