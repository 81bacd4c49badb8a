import { describe, expect, test } from "bun:test";
import { API_KEY, openApp } from "../../test/app.ts";

const SECRET = "password of postgres://u:p@db";

class DriverError extends Error {
  override readonly name = "DriverError";
}

function failingApp(config: { debug?: boolean } = {}) {
  const fail = async () => {
    throw new DriverError(SECRET, { cause: new RangeError("the disk is gone") });
  };
  return openApp({ config, store: { list: fail, get: fail } });
}

describe("an unexpected exception", () => {
  for (const path of ["/books", "/books/1", "/api/v1/books"]) {
    test(`is a 500 at ${path} that says nothing of it`, async () => {
      const response = await failingApp().request(path, { headers: { "X-Request-Id": "id-1" } });
      expect(response.status).toBe(500);
      expect(response.headers.get("Content-Type")).toBe("application/problem+json");
      expect(response.headers.get("X-Request-Id")).toBe("id-1");
      expect(response.headers.get("X-Frame-Options")).toBe("DENY");
      expect(await response.json()).toEqual({
        type: "about:blank",
        title: "Internal Server Error",
        status: 500,
        detail: "The server could not answer this request; its log says why.",
        request_id: "id-1",
        trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        success: false,
        error: "Internal server error",
      });
    });
  }

  test("is in the log, under the id of its request and with its stack", async () => {
    const { request, log } = failingApp();
    await request("/books", { headers: { "X-Request-Id": "id-2" } });
    expect(log).toMatchObject([
      {
        level: "ERROR",
        message: "request failed",
        request_id: "id-2",
        error: "DriverError: password of postgres://***@db",
        cause: "RangeError: the disk is gone",
      },
      { level: "INFO", message: "request", request_id: "id-2", status: 500 },
    ]);
    expect(log[0]?.stack).toContain("problem.test.ts");
  });

  test("leaves its stack only in the log, also if DEBUG is true", async () => {
    const { request, log } = failingApp({ debug: true });
    const response = await request("/books");
    expect(log[0]).toMatchObject({ stack: expect.stringContaining("problem.test.ts") });
    const text = (await response.text()) + JSON.stringify([...response.headers]);
    expect(text).not.toContain(SECRET);
    expect(text).not.toMatch(/DriverError|RangeError|\.ts\b|\s+at /);
  });

  test("has no body for HEAD, and the same headers", async () => {
    const response = await failingApp().request("/books", { method: "HEAD" });
    expect(response.status).toBe(500);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    expect(await response.text()).toBe("");
  });
});

describe("a client's mistake is in the log at level DEBUG, without values:", () => {
  const headers = { "Content-Type": "application/json", "X-API-Key": API_KEY };
  const refusals: { what: string; path: string; init?: RequestInit; says: object }[] = [
    { what: "no such book", path: "/books/99", says: { code: "entry_not_found" } },
    {
      what: "parameters",
      path: "/books?limit=0&sort=hidden&hidden-one=1&hidden-two=2",
      says: { code: "invalid_input", issues: ["limit", "sort", "Unknown field"] },
    },
    {
      what: "a body",
      path: "/books",
      init: { method: "POST", headers, body: '{"title":"","year":"hidden","hidden":1}' },
      says: { code: "invalid_input", issues: ["title", "author", "year", "Unknown field"] },
    },
    {
      what: "a key",
      path: "/books",
      init: { method: "POST", headers: { ...headers, "X-API-Key": "hidden" } },
      says: { code: "invalid_api_key" },
    },
  ];
  for (const { what, path, init, says } of refusals) {
    test(what, async () => {
      const { request, log } = openApp({ logLevel: "DEBUG" });
      await request(path, init);
      // A wrong key also has a line of its own.
      const lines = log.filter(({ message }) => message !== "wrong key");
      expect(lines.map(({ message }) => message)).toEqual(["request refused", "request"]);
      expect(lines[0]).toEqual({
        timestamp: expect.any(String),
        level: "DEBUG",
        logger: "thimble",
        message: "request refused",
        request_id: lines[1]?.request_id,
        trace_id: lines[1]?.trace_id,
        method: lines[1]?.method,
        path: lines[1]?.path,
        ...says,
      });
      expect(JSON.stringify(log)).not.toContain("hidden");
    });
  }
});
