import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { API_KEY, openApp } from "../../test/app.ts";
import type { AppConfig, AppMetrics } from "../app.ts";
import { edge } from "../http/edge/edge.ts";
import type { AppEnv } from "../http/env.ts";
import { problemHandler } from "../http/problem.ts";
import { requireApiKey } from "../package/route-groups.ts";
import { createRecorder } from "../telemetry/metrics.ts";
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

  async function openThrottled(config: Partial<AppConfig> = {}, metrics?: AppMetrics) {
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
      ...(metrics && { metrics }),
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

  test("beyond the limit are a 429 until the window ends, and a right key is accepted all the time", async () => {
    const { ask, pass } = await openThrottled();
    for (const address of ["192.0.2.1", "192.0.2.1"]) {
      expect((await ask(WRONG, address)).status).toBe(401);
      pass(10_000);
    }
    const refused = await ask(WRONG, "192.0.2.1");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("Retry-After")).toBe("40");
    expect(await refused.json()).toMatchObject({ error: "Too many failed authentications" });
    expect((await ask({}, "192.0.2.1")).status).toBe(401);
    expect((await ask(WRONG, "192.0.2.2")).status).toBe(401);
    for (const key of [RIGHT, RIGHT_TOO]) expect((await ask(key, "192.0.2.1")).status).toBe(200);
    pass(40_000);
    expect((await ask(WRONG, "192.0.2.1")).status).toBe(401);
  });

  test("are refused as long when the clock is set", async () => {
    const { ask, pass, setClock } = await openThrottled();
    for (const address of ["192.0.2.1", "192.0.2.1"]) await ask(WRONG, address);
    pass(20_000);
    for (const time of [-3_600_000, 3_600_000]) {
      setClock(time);
      const refused = await ask(WRONG, "192.0.2.1");
      expect(refused.status).toBe(429);
      expect(refused.headers.get("Retry-After")).toBe("40");
    }
  });

  test("are not limited if the address is unknown", async () => {
    const { ask } = await openThrottled();
    for (let turn = 0; turn < 4; turn += 1) expect((await ask(WRONG)).status).toBe(401);
    expect((await ask(RIGHT)).status).toBe(200);
  });

  test("do not keep a right key from the metrics", async () => {
    const { request } = openApp({
      config: { authFailureLimit: { requests: 1, windowMs: 60_000 } },
      metrics: { ...createRecorder(Date.now), expose: async () => "all of them\n" },
    });
    const scrape = async (init: RequestInit) =>
      (await request("/metrics", init, { peerAddress: "192.0.2.1" })).status;
    expect(await scrape(WRONG)).toBe(401);
    expect(await scrape(WRONG)).toBe(429);
    expect(await scrape(RIGHT)).toBe(200);
  });

  describe("on a route without a key", () => {
    const PUBLIC = { publicReads: true };
    const RATE = { ...PUBLIC, rateLimit: { requests: 100, windowMs: 60_000 } };
    const post = (init: RequestInit) => ({ ...init, method: "POST" });

    for (const [limit, config] of [
      ["without a rate limit", PUBLIC],
      ["with one", RATE],
    ] as const) {
      test(`count there too, once, and are not refused, ${limit}`, async () => {
        const { ask } = await openThrottled(config);
        expect((await ask(WRONG, "192.0.2.1")).status).toBe(200);
        for (const status of [401, 429]) {
          expect((await ask(post(WRONG), "192.0.2.1")).status).toBe(status);
        }
        expect((await ask(WRONG, "192.0.2.1")).status).toBe(200);
        expect((await ask(post(RIGHT), "192.0.2.1")).status).toBe(400);
      });

      test(`are in the metrics and in the log, ${limit}`, async () => {
        const recorder = createRecorder(Date.now);
        const metrics = { ...recorder, expose: async () => "" };
        const { ask, log, pass } = await openThrottled({ ...config, logAccess: false }, metrics);
        for (let turn = 0; turn < 25; turn += 1) await ask(WRONG, "192.0.2.1");
        await ask(WRONG, "2001:db8::1");
        await ask(WRONG);
        await ask(RIGHT, "192.0.2.1");
        await ask({}, "192.0.2.1");
        pass(60_000);
        await ask(WRONG, "192.0.2.1");
        expect(recorder.records.wrongKeys).toBe(28);
        const lines = log.map(({ level, message, client_network, wrong_keys }) => [
          ...[level, message, client_network, wrong_keys],
        ]);
        expect(lines).toEqual([
          ["WARNING", "wrong key", "192.0.2.1", 1],
          ["WARNING", "wrong key", "192.0.2.1", 10],
          ["WARNING", "wrong key", "2001:db8:0:0::/64", 1],
          ["WARNING", "wrong key", "unknown", 1],
          ["WARNING", "wrong key", "192.0.2.1", 1],
        ]);
        expect(JSON.stringify(log)).not.toContain("another-key");
      });
    }

    test("leave its own rate to a right key, and use up that of their address", async () => {
      const { ask } = await openThrottled({
        ...RATE,
        rateLimit: { requests: 3, windowMs: 60_000 },
      });
      const answered = async (init: RequestInit) => {
        const { status, headers } = await ask(init, "192.0.2.1");
        return [status, headers.get("RateLimit")];
      };
      for (const left of [2, 1, 0]) {
        expect(await answered(WRONG)).toEqual([200, `"default";r=${left};t=60`]);
      }
      expect(await answered(WRONG)).toEqual([429, '"default";r=0;t=60']);
      expect(await answered(RIGHT)).toEqual([200, '"default";r=2;t=60']);
      expect(await answered(RIGHT_TOO)).toEqual([200, '"default";r=2;t=60']);
    });
  });

  test("the log names a right key on a route without one, also without a rate limit", async () => {
    const { ask, log } = await openThrottled({ publicReads: true });
    await ask(RIGHT, "192.0.2.1");
    expect(log).toMatchObject([{ message: "request", key_name: "default" }]);
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

test("a key that an outer part accepts is a wrong one, and throttled, for an inner part with other keys", async () => {
  const keys = createKeyRing({ apiKey: API_KEY }, Date.now);
  const failures = createFailureThrottle({ requests: 1, windowMs: 60_000 });
  failures.count("192.0.2.1");
  const others = createKeyRing({ apiKey: "the-key-of-others" }, Date.now);
  const app = new Hono<AppEnv>()
    .use(edge({ finishes: [] }), requireScope("metrics", { keys: others }))
    .get("/", requireScope("metrics", { keys, failures }), (c) => c.text("inner"))
    .onError(problemHandler());
  const headers = { "X-API-Key": "the-key-of-others" };
  const from = async (peerAddress: string) =>
    (await app.request("/", { headers }, { peerAddress })).status;
  expect(await from("192.0.2.1")).toBe(429);
  expect(await from("192.0.2.2")).toBe(401);
});
