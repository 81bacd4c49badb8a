import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import { bearerAuth } from "hono/bearer-auth";
import { HTTPException } from "hono/http-exception";
import { requestId } from "hono/request-id";
import { createFailureThrottle } from "../auth/failure-throttle.ts";
import { createKeyRing } from "../auth/key-ring.ts";
import { books } from "../books.ts";
import { DomainError } from "../errors.ts";
import { edge } from "../http/edge/edge.ts";
import type { AppEnv } from "../http/env.ts";
import type { Store } from "../resources/store.ts";
import { createLogger } from "../telemetry/logger.ts";
import {
  createMemoryDatabase,
  createStore,
  healthRoutes,
  processRoutes,
  type Resource,
  type ResourceRoutesOptions,
  requireApiKey,
  requireScope,
  resourceRoutes,
} from "./index.ts";

const API_KEY = "0123456789abcdef";
const writeAccess = requireApiKey(API_KEY);
const SEND = { "X-API-Key": API_KEY, "Content-Type": "application/json" };
const EMMA = { title: "Emma", author: "Jane Austen", year: 1815 };

/** A store in memory that has one book, with what differs from it. */
function openStore(differences: Partial<Store> = {}): Store {
  const store = createStore<Resource>(createMemoryDatabase(), books);
  void store.addSamples([EMMA]);
  return { ...store, ...differences };
}

const bookRoutes = (options: ResourceRoutesOptions) => resourceRoutes(books, options);

function post(body: unknown, headers: Record<string, string> = SEND): RequestInit {
  return { method: "POST", headers, body: JSON.stringify(body) };
}

describe("books in another app", () => {
  const library = new Hono().route("/library", bookRoutes({ store: openStore(), writeAccess }));

  test("are found below the path where they are mounted", async () => {
    const response = await library.request("/library", post(EMMA));
    expect(response.status).toBe(201);
    const location = response.headers.get("Location") ?? "";
    const { pathname } = new URL(location, "http://localhost/library");
    expect(pathname).toBe("/library/2");
    expect(await (await library.request(pathname)).json()).toMatchObject(EMMA);
  });

  for (const [mount, path] of [
    ["/книги", "/%D0%BA%D0%BD%D0%B8%D0%B3%D0%B8"],
    ["/a b", "/a%20b"],
    ["/:tenant/books", "/a%0D%0Ab/books"],
    ["/:tenant/books", "/a%3E%22/books"],
    ["/:tenant/books", "/100%25%2F/books"],
  ] as const) {
    test(`name where they are, mounted at ${mount} and asked at ${path}`, async () => {
      const host = new Hono().route(mount, bookRoutes({ store: openStore(), writeAccess }));
      const created = await host.request(path, post({ ...EMMA, title: "Persuasion" }));
      expect(created.status).toBe(201);
      const url = `http://localhost${path}`;
      const location = new URL(created.headers.get("Location") ?? "", url).href;
      expect(location).toBe(`${url}/2`);
      expect(await (await host.request(location)).json()).toMatchObject({ title: "Persuasion" });

      const first = await host.request(`${path}?limit=1`);
      const [, next = ""] = /^<([^<>]+)>; rel="next"$/.exec(first.headers.get("Link") ?? "") ?? [];
      expect(next).toStartWith("?limit=1&cursor=");
      expect(await (await host.request(new URL(next, url).href)).json()).toMatchObject({
        items: [{ title: "Persuasion" }],
      });
    });
  }

  for (const [what, path, init, status, error] of [
    ["a missing key", "/library", post(EMMA, {}), 401, "API key required"],
    ["a book that is not there", "/library/999", {}, 404, "Book not found"],
    ["an invalid book", "/library", post({ ...EMMA, year: "1815" }), 400, "Validation failed"],
    ["an invalid query", "/library?limit=0", {}, 400, "Validation failed"],
    ["a body that is no JSON", "/library", { ...post(EMMA), body: "{" }, 400, "Malformed JSON"],
    [
      "a body of another type",
      "/library",
      post(EMMA, { ...SEND, "Content-Type": "text/plain" }),
      415,
      "Unsupported media type",
    ],
  ] as const) {
    test(`answer ${what} as a problem`, async () => {
      const response = await library.request(path, init);
      expect(response.status).toBe(status);
      expect(response.headers.get("Content-Type")).toBe("application/problem+json");
      expect(await response.json()).toMatchObject({ status, error });
    });
  }

  test("accept bodies of a megabyte, or of the size in the options", async () => {
    const long = { ...EMMA, title: "a".repeat(1024 * 1024) };
    expect((await library.request("/library", post(long))).status).toBe(413);
    const small = bookRoutes({ store: openStore(), writeAccess, maxBodyBytes: 10 });
    expect((await small.request("/", post(EMMA))).status).toBe(413);
  });

  test("leave what they do not know to the app's own handlers", async () => {
    const list = () => Promise.reject(new Error("a defect"));
    const host = new Hono()
      .route("/library", bookRoutes({ store: openStore({ list }), writeAccess }))
      .onError((error, c) => c.text(`host: ${error.message}`, 500))
      .notFound((c) => c.text("host: nothing here", 404));
    const defect = await host.request("/library");
    expect([defect.status, await defect.text()]).toEqual([500, "host: a defect"]);
    expect(await (await host.request("/library/1/pages")).text()).toBe("host: nothing here");
  });

  test("are guarded by any middleware, which answers in its own words", async () => {
    const guards = [
      [basicAuth({ username: "jane", password: "emma" }), undefined, 401],
      [bearerAuth({ token: API_KEY }), "Bearer", 400],
    ] as const;
    for (const [guard, authorization, status] of guards) {
      const routes = bookRoutes({ store: openStore(), writeAccess, readAccess: guard });
      const host = new Hono().route("/library", routes);
      const headers = authorization && { Authorization: authorization };
      const response = await host.request("/library", headers && { headers });
      expect(response.status).toBe(status);
      expect(response.headers.get("WWW-Authenticate")).toMatch(/realm="Secure Area"|error=/);
      expect(await response.text()).not.toContain("success");
    }
  });

  test("log why the database could not be used, and answer only that", async () => {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const logger = createLogger({ level: "INFO", format: "text", clock: Date.now, write });
    const cause = new Error("connection refused by db.internal");
    const list = () => Promise.reject(new DomainError("store_unavailable", "Not now.", { cause }));
    const store = openStore({ list });
    for (const routes of [
      bookRoutes({ store, writeAccess, logger }),
      bookRoutes({ store, writeAccess }),
    ]) {
      const response = await new Hono().route("/library", routes).request("/library");
      expect(response.status).toBe(503);
      expect(await response.text()).not.toContain("db.internal");
    }
    expect(lines).toEqual([expect.stringContaining("db.internal")]);
  });
});

test("actions run in another app", async () => {
  const host = new Hono().route("/tools", processRoutes({ access: writeAccess, clock: () => 0 }));
  const response = await host.request("/tools/process", post({ action: "echo", data: [1] }));
  expect(await response.json()).toEqual({
    success: true,
    action: "echo",
    data: [1],
    timestamp: "1970-01-01T00:00:00.000Z",
  });
  const refused = await host.request("/tools/process", post({ action: "shout" }));
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ error: "Unknown action: shout" });
});

test("health in another app is that app's own", async () => {
  let now = 1000;
  let readiness: "ok" | "draining" = "ok";
  const service = { name: "library", version: "2.1.0" };
  const health = healthRoutes({
    service,
    environment: "staging",
    database: createMemoryDatabase(),
    readiness: () => readiness,
    uptime: () => now,
  });
  const host = new Hono().route("/", health);
  now += 1500;
  expect(await (await host.request("/health")).json()).toMatchObject({
    service: "library",
    version: "2.1.0",
    uptime_seconds: 2.5,
    environment: "staging",
  });
  expect((await host.request("/ready")).status).toBe(200);
  readiness = "draining";
  expect((await host.request("/ready")).status).toBe(503);
});

describe("a route of another app that takes a key", () => {
  const vault = new Hono()
    .use(requestId())
    .use("/admin/*", requireApiKey(API_KEY))
    .get("/admin/vault", (c) => c.text("open"));
  const REFUSALS = [
    ["no key", {}, "API key required"],
    ["a wrong one", { "X-API-Key": "wrong" }, "Invalid API key"],
  ] as const;

  test("is opened by it", async () => {
    expect(await (await vault.request("/admin/vault", { headers: SEND })).text()).toBe("open");
  });

  for (const [what, headers, error] of REFUSALS) {
    test(`answers ${what} with a 401 as a problem, without a handler of the app's`, async () => {
      const init = { headers: { ...headers, "X-Request-Id": "vault-1" } };
      const response = await vault.request("/admin/vault", init);
      expect(response.status).toBe(401);
      expect(response.headers.get("Content-Type")).toBe("application/problem+json");
      expect(response.headers.get("Cache-Control")).toBe("no-store");
      expect(response.headers.get("WWW-Authenticate")).toStartWith("Bearer ");
      expect(await response.json()).toEqual({
        type: "about:blank",
        title: "Unauthorized",
        status: 401,
        detail: expect.any(String),
        request_id: "vault-1",
        success: false,
        error,
      });
    });

    test(`hands ${what} to the app's own handler, with the answer and the cause`, async () => {
      const host = new Hono().use(requireApiKey(API_KEY)).onError((error) => {
        if (!(error instanceof HTTPException)) throw error;
        expect(error.cause).toBeInstanceOf(DomainError);
        return error.getResponse();
      });
      const response = await host.request("/", { headers });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ error });
    });
  }

  test("answers a key without the scope with a 403, and too many wrong ones with a 429", async () => {
    const digest = createHash("sha256").update(API_KEY).digest("hex");
    const apiKeys = [{ name: "reader", scopes: ["books:read" as const], digest }];
    const keys = createKeyRing({ apiKeys }, Date.now);
    const failures = createFailureThrottle({ requests: 1, windowMs: 60_000 });
    const host = new Hono<AppEnv>()
      .use(edge({ finishes: [] }), requireScope("process", { keys, failures }))
      .get("/", (c) => c.text("open"));
    const ask = (headers: Record<string, string>) =>
      host.request("/", { headers }, { peerAddress: "192.0.2.1" });
    expect((await ask(SEND)).status).toBe(403);
    expect((await ask({ "X-API-Key": "wrong" })).status).toBe(401);
    const refused = await ask({ "X-API-Key": "wrong" });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("Retry-After"))).toBeWithin(1, 61);
  });

  test("leaves what comes after it to the app", async () => {
    const host = new Hono()
      .use(requireApiKey(API_KEY))
      .get("/", () => {
        throw new Error("a defect");
      })
      .onError((error, c) => c.text(`host: ${error.message}`, 500));
    const response = await host.request("/", { headers: SEND });
    expect(await response.text()).toBe("host: a defect");
  });
});
