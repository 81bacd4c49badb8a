import { describe, expect, test } from "bun:test";
import { openApp } from "../../../test/app.ts";
import { eventually } from "../../../test/service.ts";

/** An app with at most one request at once, whose list of books the test completes or fails. */
function open(requestTimeoutSeconds = 30) {
  const list = Promise.withResolvers<never[]>();
  const { request } = openApp({
    config: { maxConcurrentRequests: 1, requestTimeoutSeconds },
    store: { list: () => list.promise },
  });
  return { request, list };
}

describe("MAX_CONCURRENT_REQUESTS", () => {
  test("refuses one more with a 503 that says when to try again", async () => {
    const { request, list } = open();
    const first = request("/books");
    const refused = await request("/books/1", { headers: { "X-Request-Id": "one-more" } });
    expect(refused.status).toBe(503);
    expect(refused.headers.get("Retry-After")).toBe("1");
    expect(await refused.json()).toEqual({
      type: "about:blank",
      title: "Service Unavailable",
      status: 503,
      detail: "1 requests are in flight, which is the limit; try again later.",
      request_id: "one-more",
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      success: false,
      error: "Service overloaded",
    });
    list.resolve([]);
    expect((await first).status).toBe(200);
    expect((await request("/books/1")).status).toBe(200);
  });

  test("neither counts nor limits the health routes", async () => {
    const { request, list } = open();
    const first = request("/books");
    for (const path of ["/health", "/healthz", "/ready"]) {
      expect((await request(path)).status).toBe(200);
    }
    list.resolve([]);
    await first;
  });

  test("accepts requests again after a fault", async () => {
    const { request, list } = open();
    const first = request("/books");
    list.reject(new Error("a fault"));
    expect((await first).status).toBe(500);
    expect((await request("/books/1")).status).toBe(200);
  });

  test("counts a request that timed out until its work ends", async () => {
    const { request, list } = open(0.02);
    expect(await (await request("/books")).json()).toMatchObject({ error: "Request timed out" });
    expect(await (await request("/books/1")).json()).toMatchObject({ error: "Service overloaded" });
    list.resolve([]);
    await eventually("room again", async () => (await request("/books/1")).ok || undefined);
  });
});
