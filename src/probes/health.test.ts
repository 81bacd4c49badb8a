import { describe, expect, test } from "bun:test";
import { openApp } from "../../test/app.ts";

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

  test("fails while the service drains", async () => {
    const response = await openApp({ readiness: () => "draining" }).request("/ready");
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      ready: false,
      checks: { api: "draining", database: "ok" },
    });
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

test("health counts the uptime by the clock it is given", async () => {
  let now = Date.parse("2026-01-01T00:00:00.000Z");
  const { request } = openApp({ clock: () => now, config: { environment: "staging" } });
  now += 90_061_250;
  expect(await (await request("/health")).json()).toMatchObject({
    uptime_seconds: 90_061.25,
    timestamp: "2026-01-02T01:01:01.250Z",
    environment: "staging",
  });
});
