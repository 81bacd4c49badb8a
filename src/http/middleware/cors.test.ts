import { describe, expect, test } from "bun:test";
import { openApp } from "../../../test/app.ts";

const ORIGIN = "https://app.example";
const PREFLIGHT = { Origin: ORIGIN, "Access-Control-Request-Method": "POST" };

function allowedBy(response: Response): string | null {
  return response.headers.get("Access-Control-Allow-Origin");
}

describe("CORS_ORIGINS=*", () => {
  const { request } = openApp({ config: { corsOrigins: ["*"] } });

  for (const origin of [ORIGIN, "http://localhost:3000", "null"]) {
    test(`${origin} may read an answer`, async () => {
      expect(allowedBy(await request("/books", { headers: { Origin: origin } }))).toBe("*");
    });
  }

  test("no origin may send cookies", async () => {
    const response = await request("/books", { headers: { Origin: ORIGIN } });
    expect(response.headers.has("Access-Control-Allow-Credentials")).toBe(false);
  });

  test("a preflight is answered for every origin", async () => {
    const response = await request("/books", { method: "OPTIONS", headers: PREFLIGHT });
    expect(response.status).toBe(204);
    expect(allowedBy(response)).toBe("*");
  });

  for (const name of ["X-API-Key", "Idempotency-Key", "traceparent", "tracestate"]) {
    test(`a request may carry ${name}`, async () => {
      const headers = { ...PREFLIGHT, "Access-Control-Request-Headers": name };
      const response = await request("/books", { method: "OPTIONS", headers });
      expect(response.headers.get("Access-Control-Allow-Headers")?.split(",")).toContain(name);
    });
  }

  test("* counts among others too", async () => {
    const both = openApp({ config: { corsOrigins: [ORIGIN, "*"] } });
    const response = await both.request("/books", { headers: { Origin: "https://b.example" } });
    expect(allowedBy(response)).toBe("*");
  });
});

test("of two origins, each may read and no other", async () => {
  const other = "http://localhost:3000";
  const { request } = openApp({ config: { corsOrigins: [ORIGIN, other] } });
  for (const origin of [ORIGIN, other]) {
    expect(allowedBy(await request("/health", { headers: { Origin: origin } }))).toBe(origin);
  }
  const stranger = await request("/health", { headers: { Origin: "https://b.example" } });
  expect(allowedBy(stranger)).toBeNull();
});

describe("without CORS_ORIGINS", () => {
  const { request } = openApp();

  test("no origin may read an answer", async () => {
    expect(allowedBy(await request("/health", { headers: { Origin: ORIGIN } }))).toBeNull();
  });

  test("a preflight is an OPTIONS like any other", async () => {
    const response = await request("/books", { method: "OPTIONS", headers: PREFLIGHT });
    expect(response.status).toBe(204);
    expect(response.headers.get("Allow")).toContain("POST");
    expect([...response.headers.keys()].join()).not.toContain("access-control");
  });
});
