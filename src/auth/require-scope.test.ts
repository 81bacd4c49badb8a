import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { API_KEY, openApp } from "../../test/app.ts";
import type { AppConfig } from "../app.ts";
import { edge } from "../http/edge/edge.ts";
import type { AppEnv } from "../http/env.ts";
import { problemHandler } from "../http/problem.ts";
import { requireApiKey } from "../package/route-groups.ts";
import { createFailureThrottle } from "./failure-throttle.ts";
import { digestOf, type Scope } from "./key.ts";
import { createKeyRing } from "./key-ring.ts";
import { requireScope } from "./require-scope.ts";

const READS = ["/books", "/books?q=emma", "/books/1", "/api/v1/books", "/api/v1/books/1"];
const OPEN = ["/", "/health", "/healthz", "/ready", "/openapi.json", "/docs", "/api/v1/process"];

type Operation = { security?: unknown; responses: object };
type OpenApi = { paths: Record<string, Record<string, Operation>> };

describe("if PUBLIC_READS is false", () => {
  const { request } = openApp({ config: { publicReads: false } });

  for (const path of READS) {
    for (const method of ["GET", "HEAD"]) {
      test(`${method} ${path} needs the key`, async () => {
        const refused = await request(path, { method });
        expect(refused.status).toBe(401);
        expect(refused.headers.get("WWW-Authenticate")).toBe('Bearer realm="thimble"');
        const headers = { "X-API-Key": "another-key-of-16" };
        expect((await request(path, { method, headers })).status).toBe(401);
      });

      for (const headers of [{ "X-API-Key": API_KEY }, { Authorization: `Bearer ${API_KEY}` }]) {
        test(`${method} ${path} takes it in ${Object.keys(headers)}`, async () => {
          expect((await request(path, { method, headers })).status).toBe(200);
        });
      }
    }
  }

  test("no shared cache keeps an answer to a key, so others must ask again", async () => {
    const headers = { "X-API-Key": API_KEY };
    const book = await request("/books/1", { headers });
    const known = { ...headers, "If-None-Match": book.headers.get("ETag") ?? "" };
    const again = await request("/books/1", { headers: known });
    expect(again.status).toBe(304);
    for (const answer of [book, again, await request("/books", { headers })]) {
      expect(answer.headers.get("Cache-Control")).toBe("private, no-cache");
    }
    expect((await request("/books")).headers.get("Cache-Control")).toBe("no-store");
  });

  test("a stranger does not learn that a book is missing", async () => {
    expect((await request("/books/99")).status).toBe(401);
  });

  test("the OpenAPI document requires a key for reads", async () => {
    const { paths } = (await (await request("/openapi.json")).json()) as OpenApi;
    expect(paths["/books"]?.get?.security).toEqual([
      { apiKey: ["books:read"] },
      { bearer: ["books:read"] },
    ]);
    const answers = Object.keys(paths["/books/{id}"]?.get?.responses ?? {});
    expect(answers).toEqual(expect.arrayContaining(["401", "403", "429"]));
  });

  for (const path of OPEN) {
    test(`GET ${path} needs no key`, async () => {
      expect((await request(path)).status).toBe(200);
    });
  }
});

describe("if PUBLIC_READS is true", () => {
  const { request } = openApp();

  for (const path of [...READS, ...OPEN]) {
    test(`GET ${path} needs no key, and minds no wrong one`, async () => {
      expect((await request(path)).status).toBe(200);
      const headers = { "X-API-Key": "another-key-of-16" };
      expect((await request(path, { headers })).status).toBe(200);
    });
  }
});

describe("a key with scopes", () => {
  const KEY = "a-key-for-reading";

  async function openWithScopes(...scopes: Scope[]) {
    const apiKeys = [{ name: "reader", scopes, digest: await digestOf(KEY) }];
    return openApp({ keys: { apiKeys }, config: { publicReads: false } });
  }

  test("is accepted where it has the scope, and otherwise gets a 403 that names the missing one", async () => {
    const { request } = await openWithScopes("books:read", "metrics");
    const headers = { "X-API-Key": KEY };
    expect((await request("/books", { headers })).status).toBe(200);
    const refused = await request("/books/1", { method: "DELETE", headers });
    expect(refused.status).toBe(403);
    expect(refused.headers.get("WWW-Authenticate")).toBe(
      'Bearer realm="thimble", error="insufficient_scope"',
    );
    expect(await refused.json()).toMatchObject({
      error: "Insufficient scope",
      detail: "This requires the scope books:write; the key reader has books:read, metrics.",
    });
    expect((await request("/books", { headers: { "X-API-Key": API_KEY } })).status).toBe(401);
  });
});

describe("wrong keys of an address", () => {
  const OTHER_KEY = "a-key-for-everything";
  const WRONG = { headers: { "X-API-Key": "another-key-of-16" } };
  const RIGHT = { headers: { "X-API-Key": API_KEY } };
  const RIGHT_TOO = { headers: { "X-API-Key": OTHER_KEY } };

  async function openThrottled(config: Partial<AppConfig> = {}) {
    let now = 0;
    let time = 0;
    const digest = await digestOf(OTHER_KEY);
    const keys = {
      apiKey: API_KEY,
      apiKeys: [{ name: "other", scopes: ["admin" as const], digest }],
    };
    const { request, log } = openApp({
      config: {
        publicReads: false,
        authFailureLimit: { requests: 2, windowMs: 60_000 },
        ...config,
      },
      keys,
      clock: () => time,
      elapsed: () => now,
    });
    return {
      log,
      ask: (init: RequestInit, peerAddress?: string) => request("/books", init, { peerAddress }),
      pass: (ms: number) => {
        now += ms;
        time += ms;
      },
      setClock: (ms: number) => {
        time = ms;
      },
    };
  }

  test("block it until the window ends", async () => {
    const { ask, pass } = await openThrottled();
    for (const address of ["192.0.2.1", "192.0.2.1"]) {
      expect((await ask(WRONG, address)).status).toBe(401);
      pass(10_000);
    }
    const refused = await ask(RIGHT, "192.0.2.1");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("Retry-After")).toBe("40");
    expect(await refused.json()).toMatchObject({ error: "Too many failed authentications" });
    expect((await ask({}, "192.0.2.1")).status).toBe(401);
    expect((await ask(RIGHT, "192.0.2.2")).status).toBe(200);
    pass(40_000);
    expect((await ask(RIGHT, "192.0.2.1")).status).toBe(200);
  });

  test("block it as long when the clock is set", async () => {
    const { ask, pass, setClock } = await openThrottled();
    for (const address of ["192.0.2.1", "192.0.2.1"]) await ask(WRONG, address);
    pass(20_000);
    for (const time of [-3_600_000, 3_600_000]) {
      setClock(time);
      const refused = await ask(RIGHT, "192.0.2.1");
      expect(refused.status).toBe(429);
      expect(refused.headers.get("Retry-After")).toBe("40");
    }
  });

  test("block no key that was accepted from there before", async () => {
    const { ask } = await openThrottled();
    expect((await ask(RIGHT, "192.0.2.1")).status).toBe(200);
    for (const status of [401, 401, 429]) {
      expect((await ask(WRONG, "192.0.2.1")).status).toBe(status);
    }
    for (let turn = 0; turn < 2; turn += 1) {
      expect((await ask(RIGHT, "192.0.2.1")).status).toBe(200);
      expect((await ask(RIGHT_TOO, "192.0.2.1")).status).toBe(429);
    }
    expect((await ask(RIGHT_TOO, "192.0.2.2")).status).toBe(200);
  });

  test("are not counted if the address is unknown", async () => {
    const { ask } = await openThrottled();
    for (let turn = 0; turn < 4; turn += 1) expect((await ask(WRONG)).status).toBe(401);
    expect((await ask(RIGHT)).status).toBe(200);
  });

  describe("on a route without a key, if a rate limit identifies clients", () => {
    const RATE = { publicReads: true, rateLimit: { requests: 100, windowMs: 60_000 } };
    const post = (init: RequestInit) => ({ ...init, method: "POST" });

    test("count there too, once, and are not refused", async () => {
      const { ask } = await openThrottled(RATE);
      expect((await ask(WRONG, "192.0.2.1")).status).toBe(200);
      for (const status of [401, 429]) {
        expect((await ask(post(WRONG), "192.0.2.1")).status).toBe(status);
      }
      expect((await ask(WRONG, "192.0.2.1")).status).toBe(200);
      expect((await ask(post(RIGHT), "192.0.2.1")).status).toBe(429);
      expect((await ask(post(RIGHT), "192.0.2.2")).status).toBe(400);
    });

    test("leave its own rate to a key that was accepted there before, on a route without keys too", async () => {
      const { ask } = await openThrottled(RATE);
      const left = async (init: RequestInit) =>
        (await ask(init, "192.0.2.1")).headers.get("RateLimit");
      expect(await left(RIGHT)).toBe('"default";r=99;t=60');
      for (const rest of [99, 98, 97]) {
        expect(await left(WRONG)).toBe(`"default";r=${rest};t=60`);
      }
      expect(await left(RIGHT)).toBe('"default";r=98;t=60');
      expect(await left(RIGHT_TOO)).toBe('"default";r=96;t=60');
    });

    test("do not reveal a right key, neither before the address's rate is used up nor after", async () => {
      const { ask } = await openThrottled({
        ...RATE,
        rateLimit: { requests: 5, windowMs: 60_000 },
      });
      const statuses: number[] = [];
      for (let turn = 0; turn < 10; turn += 1) {
        statuses.push((await ask(WRONG, "192.0.2.1")).status);
      }
      expect(statuses).toEqual([...Array(5).fill(200), ...Array(5).fill(429)]);
      const guessed = await ask(RIGHT, "192.0.2.1");
      expect(guessed.status).toBe(429);
      expect(guessed.headers.get("RateLimit")).toBe('"default";r=0;t=60');
    });

    test("that were refused on other routes make a right key look like a wrong one", async () => {
      const { ask, log } = await openThrottled(RATE);
      for (const status of [401, 401, 429]) {
        expect((await ask(post(WRONG), "192.0.2.1")).status).toBe(status);
      }
      const left = async (init: RequestInit) =>
        (await ask(init, "192.0.2.1")).headers.get("RateLimit");
      expect(await left(RIGHT)).toBe('"default";r=96;t=60');
      expect(await left(WRONG)).toBe('"default";r=95;t=60');
      expect(log.filter((line) => "key_name" in line)).toEqual([]);
    });
  });
});

test("a route of another app can require a scope, and gets the key's name", async () => {
  const keys = createKeyRing({ apiKey: API_KEY }, Date.now);
  const app = new Hono<AppEnv>().get("/", requireScope("metrics", { keys }), (c) =>
    c.text(c.var.keyName ?? ""),
  );
  const response = await app.request("/", { headers: { "X-API-Key": API_KEY } });
  expect(await response.text()).toBe("default");
});

test("a key for a part of another app does not open an inner part with another key", async () => {
  const app = new Hono<AppEnv>()
    .use(requireApiKey(API_KEY))
    .get("/outer", (c) => c.text("outer"))
    .get("/outer/inner", requireApiKey("the-key-of-the-inner-part"), (c) => c.text("inner"))
    .onError(problemHandler());
  const headers = { "X-API-Key": API_KEY };
  expect((await app.request("/outer", { headers })).status).toBe(200);
  expect((await app.request("/outer/inner", { headers })).status).toBe(401);
});

test("a key that is accepted where nothing is throttled is still refused where its address is throttled", async () => {
  const keys = createKeyRing({ apiKey: API_KEY }, Date.now);
  const failures = createFailureThrottle({ requests: 1, windowMs: 60_000 });
  failures.count("192.0.2.1");
  const app = new Hono<AppEnv>()
    .use(edge({ finishes: [] }), requireScope("metrics", { keys }))
    .get("/", requireScope("metrics", { keys, failures }), (c) => c.text("inner"))
    .onError(problemHandler());
  const headers = { "X-API-Key": API_KEY };
  const from = async (peerAddress: string) =>
    (await app.request("/", { headers }, { peerAddress })).status;
  expect(await from("192.0.2.1")).toBe(429);
  expect(await from("192.0.2.2")).toBe(200);
});
