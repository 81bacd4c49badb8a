import { describe, expect } from "bun:test";
import { type Api, bookFields, createBook, currentEtag, PROCESS, uniqueWord } from "./api.ts";
import { test } from "./case.ts";
import { expectSecurityHeaders, listed, UUID } from "./expectations.ts";
import { OVERSIZED } from "./limits.ts";

const ORIGIN = "https://app.example";

/** One way to each kind of answer. */
const ANSWERS: { status: number; what: string; ask: (api: Api) => Promise<Response> }[] = [
  { status: 200, what: "JSON", ask: (api) => api.get("/health") },
  { status: 200, what: "text", ask: (api) => api.get("/") },
  { status: 200, what: "the landing page", ask: (api) => api.get("/", { Accept: "text/html" }) },
  { status: 200, what: "the docs page", ask: (api) => api.get("/docs") },
  { status: 200, what: "the OpenAPI document", ask: (api) => api.get("/openapi.json") },
  { status: 200, what: "a list", ask: (api) => api.get("/books?limit=1") },
  { status: 200, what: "HEAD", ask: (api) => api.head("/health") },
  { status: 200, what: "an action", ask: (api) => api.post(PROCESS, { action: "echo" }) },
  { status: 201, what: "a new book", ask: (api) => api.post("/books", bookFields()) },
  { status: 204, what: "OPTIONS", ask: (api) => api.options("/books") },
  {
    status: 204,
    what: "a deleted book",
    ask: async (api) => api.remove(`/books/${(await createBook(api)).id}`),
  },
  {
    status: 304,
    what: "a book not modified",
    ask: async (api) => {
      const { id } = await createBook(api);
      return api.get(`/books/${id}`, { "If-None-Match": await currentEtag(api, id) });
    },
  },
  { status: 400, what: "malformed JSON", ask: (api) => api.text("POST", PROCESS, "{") },
  { status: 400, what: "an invalid book", ask: (api) => api.post("/books", {}) },
  { status: 401, what: "no key", ask: (api) => api.send("/books", { method: "POST" }) },
  { status: 404, what: "no endpoint", ask: (api) => api.get(`/${uniqueWord()}`) },
  { status: 404, what: "no book", ask: (api) => api.get("/books/0") },
  { status: 405, what: "a wrong method", ask: (api) => api.remove("/health") },
  {
    status: 412,
    what: "a stale If-Match",
    ask: async (api) =>
      api.remove(`/books/${(await createBook(api)).id}`, { "If-Match": '"stale"' }),
  },
  { status: 413, what: "an oversized body", ask: (api) => api.text("POST", PROCESS, OVERSIZED) },
  {
    status: 415,
    what: "a text body",
    ask: (api) => api.text("POST", PROCESS, "x", { "Content-Type": "text/plain" }),
  },
  {
    status: 422,
    what: "a reused idempotency key",
    ask: async (api) => {
      const key = { "Idempotency-Key": uniqueWord() };
      await api.post("/books", bookFields(), key);
      return api.post("/books", bookFields(), key);
    },
  },
];

export function headersContract(api: Api): void {
  describe("security headers", () => {
    for (const { status, what, ask } of ANSWERS) {
      test(`are on ${status} (${what})`, async () => {
        const response = await ask(api);
        expect(response.status).toBe(status);
        expectSecurityHeaders(response);
      });
    }
  });

  describe("request id", () => {
    const kept = ["a", "a b", "req-2f1c", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "x".repeat(128)];
    for (const id of kept) {
      test(`a valid one is kept: ${id.slice(0, 40)} (${id.length} characters)`, async () => {
        const response = await api.get("/healthz", { "X-Request-Id": id });
        expect(response.headers.get("X-Request-Id")).toBe(id);
      });
    }

    const replaced = [
      { what: "too long", id: "x".repeat(129) },
      { what: "with a tab", id: "a\tb" },
      { what: "with a letter outside ASCII", id: "caf\u00e9" },
      { what: "empty", id: "" },
    ];
    for (const { what, id } of replaced) {
      test(`one that is ${what} is replaced`, async () => {
        const response = await api.get("/healthz", { "X-Request-Id": id });
        expect(response.status).toBe(200);
        expect(response.headers.get("X-Request-Id")).toMatch(UUID);
      });
    }

    test("every request without one gets its own", async () => {
      const responses = await Promise.all([api.get("/healthz"), api.get("/healthz")]);
      const [first, second] = responses.map((response) => response.headers.get("X-Request-Id"));
      expect(first).toMatch(UUID);
      expect(second).toMatch(UUID);
      expect(first).not.toBe(second);
    });

    test("an error names the one it was given, in header and body", async () => {
      const id = uniqueWord();
      const response = await api.get("/nothing/here", { "X-Request-Id": id });
      expect(response.headers.get("X-Request-Id")).toBe(id);
      expect(await response.json()).toMatchObject({ request_id: id });
    });
  });

  describe("CORS", () => {
    const allowedOrigin = (response: Response) =>
      response.headers.get("Access-Control-Allow-Origin");

    test("an allowed origin may read an answer and the headers it needs", async () => {
      const response = await api.get("/books?limit=1", { Origin: ORIGIN });
      expect(allowedOrigin(response)).toBe(ORIGIN);
      expect(listed(response, "Vary")).toContain("ORIGIN");
      expect(listed(response, "Access-Control-Expose-Headers")).toEqual(
        expect.arrayContaining(["ETAG", "LINK", "LOCATION", "X-REQUEST-ID"]),
      );
    });

    test("an allowed origin may read an error", async () => {
      const response = await api.send("/books", { method: "POST", headers: { Origin: ORIGIN } });
      expect(response.status).toBe(401);
      expect(allowedOrigin(response)).toBe(ORIGIN);
    });

    test("a preflight lets an allowed origin use every method and header", async () => {
      const wanted = ["content-type", "idempotency-key", "if-match", "if-none-match", "x-api-key"];
      const response = await api.options("/books", {
        Origin: ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": [...wanted, "authorization", "x-request-id"].join(","),
      });
      expect(response.status).toBe(204);
      expect(await response.text()).toBe("");
      expect(allowedOrigin(response)).toBe(ORIGIN);
      expect(listed(response, "Access-Control-Allow-Headers")).toEqual(
        expect.arrayContaining(
          [...wanted, "authorization", "x-request-id"].map((name) => name.toUpperCase()),
        ),
      );
      expect(listed(response, "Access-Control-Allow-Methods")).toContain("POST");
    });

    for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
      test(`a preflight for ${method} of a book allows ${method}`, async () => {
        const response = await api.options("/books/1", {
          Origin: ORIGIN,
          "Access-Control-Request-Method": method,
        });
        expect(response.status).toBe(204);
        expect(allowedOrigin(response)).toBe(ORIGIN);
        expect(listed(response, "Access-Control-Allow-Methods")).toContain(method);
      });
    }

    const strangers = [
      "https://other.example",
      "http://app.example",
      "https://app.example:8443",
      "https://app.example.evil.example",
      "https://evil-app.example",
      "null",
    ];
    for (const origin of strangers) {
      test(`${origin} is answered, and not allowed to read it`, async () => {
        const response = await api.get("/health", { Origin: origin });
        expect(response.status).toBe(200);
        expect(allowedOrigin(response)).toBeNull();
      });

      test(`a preflight of ${origin} allows nothing`, async () => {
        const response = await api.options("/books", {
          Origin: origin,
          "Access-Control-Request-Method": "POST",
        });
        expect(response.status).toBe(204);
        expect(allowedOrigin(response)).toBeNull();
      });
    }

    test("without an Origin nothing is allowed", async () => {
      const response = await api.get("/health");
      expect(response.status).toBe(200);
      expect(allowedOrigin(response)).toBeNull();
    });
  });
}
