import { describe, expect, test } from "bun:test";
import { openApp } from "../../test/app.ts";
import { DomainError, NeedsRepairError } from "../errors.ts";

describe("readiness", () => {
  test("fails where the database does not answer", async () => {
    const ping = () => Promise.reject(new Error("connection refused by db.internal"));
    const response = await openApp({ ping }).request("/ready");
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      ready: false,
      checks: { api: "ok", database: "unavailable" },
    });
  });

  test("fails where the database takes longer than a second", async () => {
    const ping = () => new Promise<never>(() => {});
    const response = await openApp({ ping }).request("/ready");
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      ready: false,
      checks: { api: "ok", database: "timeout" },
    });
  });

  for (const state of ["disk_full", "read_only"] as const) {
    test(`goes on, and says so, where the database takes only reads: ${state}`, async () => {
      const response = await openApp({ ping: async () => state }).request("/ready");
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({
        ready: true,
        checks: { api: "ok", database: state },
      });
    });
  }

  test("fails while the service drains", async () => {
    const response = await openApp({ readiness: () => "draining" }).request("/ready");
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      ready: false,
      checks: { api: "draining", database: "ok" },
    });
  });
});

describe("readiness without the database", () => {
  const AWAY = () => Promise.reject(new Error("connection refused by db.internal"));

  /** An app whose database can be taken away. */
  function open(options: Parameters<typeof openApp>[0] = {}) {
    let ping = AWAY;
    const { request } = openApp({
      config: { readyWithoutDatabase: true },
      ping: () => ping(),
      ...options,
    });
    const set = (next: () => Promise<"ok">) => {
      ping = next as typeof AWAY;
    };
    return { set, ask: () => request("/ready") };
  }

  test("is not before the database has answered once", async () => {
    const { set, ask } = open();
    expect((await ask()).status).toBe(503);
    set(async () => "ok");
    expect((await ask()).status).toBe(200);
    set(AWAY);
    const response = await ask();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      ready: true,
      checks: { api: "ok", database: "unavailable" },
    });
  });

  test("ends where the database is of no use to this instance alone", async () => {
    const { set, ask } = open();
    set(async () => "ok");
    expect((await ask()).status).toBe(200);
    const cause = new NeedsRepairError("The schema is newer");
    set(() => Promise.reject(new DomainError("store_unavailable", "Not now.", { cause })));
    expect((await ask()).status).toBe(503);
  });

  test("ends while the service drains", async () => {
    let state: "ok" | "draining" = "ok";
    const { set, ask } = open({ readiness: () => state });
    set(async () => "ok");
    expect((await ask()).status).toBe(200);
    set(AWAY);
    state = "draining";
    const response = await ask();
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      ready: false,
      checks: { api: "draining", database: "unavailable" },
    });
  });

  test("is not by default", async () => {
    const { set, ask } = open({ config: {} });
    set(async () => "ok");
    expect((await ask()).status).toBe(200);
    set(AWAY);
    expect((await ask()).status).toBe(503);
  });
});

describe("liveness and health are the same whatever readiness says:", () => {
  const { request } = openApp({
    readiness: () => "draining",
    ping: () => Promise.reject(new Error("gone")),
  });
  for (const path of ["/healthz", "/health"]) {
    test(path, async () => expect((await request(path)).status).toBe(200));
  }
});

test("health counts the uptime, whatever the clock is set to", async () => {
  let now = 5000;
  let time = Date.parse("2026-01-01T02:00:00.000Z");
  const { request } = openApp({
    clock: () => time,
    elapsed: () => now,
    config: { environment: "staging" },
  });
  now += 90_061_250;
  time = Date.parse("2026-01-01T01:00:00.000Z");
  expect(await (await request("/health")).json()).toMatchObject({
    uptime_seconds: 90_061.25,
    timestamp: "2026-01-01T01:00:00.000Z",
    environment: "staging",
  });
});
