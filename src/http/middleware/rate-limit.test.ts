import { describe, expect, test } from "bun:test";
import { API_KEY, openApp } from "../../../test/app.ts";
import type { AppConfig } from "../../app.ts";

const HOUR_MS = 3_600_000;
const KEY = { "X-API-Key": API_KEY };

/** An app that allows two requests per hour; its clocks stand still. */
function open(config: Partial<AppConfig> = {}) {
  let now = 0;
  let time = Date.UTC(2026, 10, 20);
  const rateLimit = { requests: 2, windowMs: HOUR_MS };
  const { request } = openApp({
    config: { rateLimit, ...config },
    clock: () => time,
    elapsed: () => now,
  });
  const from = (peerAddress: string | undefined, headers: Record<string, string> = {}) =>
    request("/books", { headers }, { peerAddress });
  return {
    request,
    from,
    pass: (milliseconds: number) => {
      now += milliseconds;
      time += milliseconds;
    },
    setClock: (milliseconds: number) => {
      time += milliseconds;
    },
    /** How many of four requests are accepted. */
    answered: async (ask: (turn: number) => Promise<Response>) => {
      const statuses: number[] = [];
      for (let turn = 0; turn < 4; turn += 1) statuses.push((await ask(turn)).status);
      return statuses.filter((status) => status !== 429).length;
    },
  };
}

function fieldsOf({ headers }: Response) {
  return [headers.get("RateLimit-Policy"), headers.get("RateLimit"), headers.get("Retry-After")];
}

describe("a client", () => {
  test("learns how many requests are left, and is refused when none is", async () => {
    const { from, pass } = open();
    expect(fieldsOf(await from("192.0.2.1"))).toEqual([
      '"default";q=2;w=3600',
      '"default";r=1;t=3600',
      null,
    ]);
    pass(1500);
    const last = await from("192.0.2.1");
    expect(last.status).toBe(200);
    expect(last.headers.get("RateLimit")).toBe('"default";r=0;t=3599');
    pass(1000);
    const refused = await from("192.0.2.1", { "X-Request-Id": "too-many" });
    expect(refused.status).toBe(429);
    expect(fieldsOf(refused)).toEqual(['"default";q=2;w=3600', '"default";r=0;t=3598', "3598"]);
    expect(refused.headers.get("Cache-Control")).toBe("no-store");
    expect(await refused.json()).toEqual({
      type: "about:blank",
      title: "Too Many Requests",
      status: 429,
      detail: "A client may send 2 requests in 3600 s; these are used up.",
      request_id: "too-many",
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      success: false,
      error: "Rate limit exceeded",
    });
    pass(HOUR_MS - 2500);
    expect((await from("192.0.2.1")).status).toBe(200);
  });

  test("has the same window whenever the clock is set, back or forward", async () => {
    const { from, pass, setClock } = open();
    await from("192.0.2.1");
    for (const change of [-HOUR_MS, 3 * HOUR_MS]) {
      pass(1000);
      setClock(change);
      await from("192.0.2.1");
    }
    const refused = await from("192.0.2.1");
    expect(refused.status).toBe(429);
    expect(fieldsOf(refused)).toEqual(['"default";q=2;w=3600', '"default";r=0;t=3598', "3598"]);
  });

  test("learns it with a 404, a 401 and a 405 too", async () => {
    const { request } = open();
    const rows = [
      ["GET", "/nothing", 404],
      ["POST", "/books", 401],
      ["DELETE", "/docs", 405],
    ] as const;
    for (const [turn, [method, path, status]] of rows.entries()) {
      const response = await request(path, { method }, { peerAddress: `192.0.2.${turn}` });
      expect(response.status).toBe(status);
      expect(response.headers.get("RateLimit")).toBe('"default";r=1;t=3600');
    }
  });

  test("is its address", async () => {
    const { from, answered } = open();
    expect(await answered(() => from("192.0.2.1"))).toBe(2);
    expect(await answered((turn) => from(`198.51.100.${turn}`))).toBe(4);
  });

  test("of IPv6 is its /64", async () => {
    const { from, answered } = open();
    expect(await answered((turn) => from(`2001:db8::${turn}`))).toBe(2);
    expect(await answered((turn) => from(`2001:db8:0:${turn + 1}::1`))).toBe(4);
  });

  test("without an address counts together with all others without one", async () => {
    const { from, answered } = open();
    expect(await answered(() => from(undefined))).toBe(2);
  });

  test("cannot choose its address", async () => {
    const { from, answered } = open();
    const forged = (turn: number) => ({
      "X-Forwarded-For": `203.0.113.${turn}`,
      Forwarded: `for=203.0.113.${turn}`,
      "X-Real-IP": `203.0.113.${turn}`,
    });
    expect(await answered((turn) => from("192.0.2.1", forged(turn)))).toBe(2);
  });

  test("of a trusted proxy is the address that the proxy names", async () => {
    const { from, answered } = open({ trustProxy: 1 });
    const proxied = (address: string) => from("10.0.0.1", { "X-Forwarded-For": address });
    expect(await answered((turn) => proxied(`203.0.113.${turn}`))).toBe(4);
    expect(await answered((turn) => proxied(`203.0.113.${turn}, 192.0.2.1`))).toBe(2);
  });
});

describe("a key", () => {
  test("counts for all addresses and both headers", async () => {
    const { from, answered } = open();
    const headers = [KEY, { Authorization: `Bearer ${API_KEY}` }];
    expect(await answered((turn) => from(`192.0.2.${turn}`, headers[turn % 2]))).toBe(2);
  });

  test("and an address have separate limits", async () => {
    const { from, answered } = open();
    expect(await answered(() => from("192.0.2.1"))).toBe(2);
    expect(await answered(() => from("192.0.2.1", KEY))).toBe(2);
  });

  test("that is wrong counts for the address that sends it", async () => {
    const { from, answered } = open();
    const guess = (turn: number) => ({ "X-API-Key": `another-key-of-1${turn}` });
    expect(await answered((turn) => from("192.0.2.1", guess(turn)))).toBe(2);
    expect((await from("192.0.2.1")).status).toBe(429);
    expect((await from("192.0.2.2", KEY)).status).toBe(200);
  });
});

describe("without a limit", () => {
  for (const path of ["/health", "/healthz", "/ready"]) {
    test(`${path} is always answered`, async () => {
      const { request, answered } = open();
      expect(await answered(() => request(path))).toBe(4);
      expect(fieldsOf(await request(path))).toEqual([null, null, null]);
    });
  }

  test("a browser's preflight is answered, and may read the fields", async () => {
    const origin = "https://app.example";
    const { request, answered } = open({ corsOrigins: [origin] });
    const headers = { Origin: origin, "Access-Control-Request-Method": "POST" };
    expect(await answered(() => request("/books", { method: "OPTIONS", headers }))).toBe(4);
    const exposed = (await request("/books", { headers: { Origin: origin } })).headers;
    for (const name of ["RateLimit", "RateLimit-Policy", "Retry-After"]) {
      expect(exposed.get("Access-Control-Expose-Headers")?.split(",")).toContain(name);
    }
  });

  test("in the configuration, nothing is counted or reported", async () => {
    const { from, answered } = open({ rateLimit: undefined });
    expect(await answered(() => from("192.0.2.1"))).toBe(4);
    expect(fieldsOf(await from("192.0.2.1"))).toEqual([null, null, null]);
  });
});
