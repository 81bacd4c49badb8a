import { beforeAll, describe, expect, test } from "bun:test";
import { API_KEY, openApp } from "../../../test/app.ts";
import { parseSamples, parseTypes, readValue } from "../../../test/exposition.ts";
import type { DatabaseLifecycle, DatabaseState } from "../../database/lifecycle.ts";
import { createMemoryDatabase } from "../../database/memory.ts";
import { DomainError } from "../../errors.ts";
import { REFUSALS } from "../../telemetry/metrics.ts";
import { createServiceMetrics } from "./service-metrics.ts";

const promtool = Bun.which("promtool");
const reason = promtool ? "" : " (skipped: there is no promtool here)";
const OPENMETRICS = "application/openmetrics-text";
const KEY = { "X-API-Key": API_KEY };

/** The app with its metrics, and a function that scrapes them. */
function openMeasuredApp(differences: Partial<DatabaseLifecycle> = {}) {
  const metrics = createServiceMetrics({ ...createMemoryDatabase(), ...differences }, Date.now);
  const { request, app } = openApp({ metrics });
  const scrape = async (accept = "text/plain") => {
    const response = await request("/metrics", { headers: { ...KEY, Accept: accept } });
    expect(response.status).toBe(200);
    return response.text();
  };
  return { request, app, scrape, metrics: metrics.metrics };
}

/** The problems that promtool finds in an exposition. */
function lint(text: string): string {
  const result = Bun.spawnSync(["promtool", "check", "metrics"], { stdin: Buffer.from(text) });
  return `${result.stdout}${result.stderr}${result.exitCode || ""}`;
}

describe("requests", () => {
  test("are counted and timed by method, route template and status", async () => {
    const { request, scrape } = openMeasuredApp();
    for (const id of [1, 1, 2, 99]) await request(`/books/${id}`);
    await request("/books", { method: "POST" });
    const text = await scrape();
    const count = (method: string, route: string, status: string) =>
      ["http_requests_total", "http_request_duration_seconds_count"].map((name) =>
        readValue(text, name, { method, route, status }),
      );
    expect(count("GET", "/books/:id", "200")).toEqual([2, 2]);
    expect(count("GET", "/books/:id", "404")).toEqual([2, 2]);
    expect(count("POST", "/books", "401")).toEqual([1, 1]);
  });

  test("have one label for all unknown methods and paths", async () => {
    const { app, scrape } = openMeasuredApp();
    for (let turn = 0; turn < 200; turn += 1) {
      const method = ["GET", "POST", "PROPFIND", `M${turn}`][turn % 4] ?? "";
      const path = ["nothing", "books/1/x", ".env", "books"][turn % 3] ?? "";
      await app.request(`/${path}/${turn}/${crypto.randomUUID()}?q=${turn}`, { method });
    }
    await app.request("/books", { method: "MKCOL" });
    const text = await scrape();
    const requests = parseSamples(text).filter(({ name }) => name === "http_requests_total");
    const labels = requests.map(({ labels: { method, route, status } }) =>
      [method, route, status].join(" "),
    );
    expect(labels.toSorted()).toEqual([
      "GET other 404",
      "POST other 404",
      "other other 404",
      "other other 405",
    ]);
    expect(requests.reduce((sum, { value }) => sum + value, 0)).toBe(201);
  });

  test("are labelled with every method that spans name, also with those that no route has", async () => {
    const { request, scrape } = openMeasuredApp();
    await request("/books", { method: "QUERY" });
    const query = { method: "QUERY", route: "other", status: "405" };
    expect(readValue(await scrape(), "http_requests_total", query)).toBe(1);
  });

  test("fall into buckets that include the ones below", async () => {
    const { request, scrape } = openMeasuredApp();
    for (let turn = 0; turn < 20; turn += 1) await request("/healthz");
    const buckets = parseSamples(await scrape()).filter(
      ({ name, labels }) =>
        name === "http_request_duration_seconds_bucket" && labels.route === "/healthz",
    );
    const values = buckets.map(({ value }) => value);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect(buckets.at(-1)).toMatchObject({ labels: { le: "+Inf" }, value: 20 });
  });

  test("in flight are counted, and no longer when they have failed", async () => {
    const { request, scrape } = openMeasuredApp();
    await request("/nothing");
    expect(readValue(await scrape(), "http_requests_in_flight")).toBe(1);
    const [first, second] = await Promise.all([scrape(), scrape()]);
    expect(
      Math.max(...[first, second].map((text) => readValue(text, "http_requests_in_flight"))),
    ).toBe(2);
  });
});

describe("refusals", () => {
  const refused = (text: string) =>
    parseSamples(text).filter(({ name }) => name === "http_requests_refused_total");

  test("are all shown from the start, with 0", async () => {
    const { scrape } = openMeasuredApp();
    const expected = REFUSALS.map((code) => ({
      name: "http_requests_refused_total",
      labels: { reason: code },
      value: 0,
    }));
    expect(refused(await scrape())).toEqual(expected);
  });

  test("are counted by their reason, without a client's mistakes", async () => {
    const { request, scrape } = openMeasuredApp();
    const post = (headers: Record<string, string>, body = "{}") =>
      request("/books", { method: "POST", headers, body });
    await post({});
    await post({ "X-API-Key": "not-the-key" });
    await post({ ...KEY, "Content-Type": "application/json" });
    await post({ ...KEY, "Content-Type": "application/json" }, "x".repeat(1_048_577));
    await request("/nothing");
    const counted = refused(await scrape()).filter(({ value }) => value > 0);
    expect(counted.map(({ labels, value }) => [labels.reason, value])).toEqual([
      ["api_key_required", 1],
      ["invalid_api_key", 1],
      ["body_too_large", 1],
    ]);
  });
});

describe("the database", () => {
  test("is up while it answers, and a scrape works also while it does not", async () => {
    let ping: () => Promise<DatabaseState> = async () => "ok";
    const { scrape } = openMeasuredApp({ ping: () => ping() });
    const up = async () => readValue(await scrape(), "thimble_database_up");
    expect(await up()).toBe(1);
    ping = async () => "read_only";
    expect(await up()).toBe(1);
    ping = () => Promise.reject(new DomainError("store_unavailable", "gone"));
    expect(await up()).toBe(0);
    ping = () => new Promise(() => {});
    expect(await up()).toBe(0);
  });

  test("has its pool shown, if there is one", async () => {
    const poolUse = () => ({ size: 10, inUse: 10, waiting: 3 });
    const names = ["size", "in_use", "waiting"].map((word) => `thimble_database_pool_${word}`);
    const text = await openMeasuredApp({ poolUse }).scrape();
    expect(names.map((name) => readValue(text, name))).toEqual([10, 10, 3]);
    expect(await openMeasuredApp().scrape()).not.toContain("thimble_database_pool");
  });

  test("has its pool shown without the connection of the scrape itself", async () => {
    let running = 0;
    const ping = async () => {
      running += 1;
      await Bun.sleep(1);
      running -= 1;
      return "ok" as const;
    };
    const poolUse = () => ({ size: 1, inUse: running, waiting: running });
    const text = await openMeasuredApp({ ping, poolUse }).scrape();
    expect(readValue(text, "thimble_database_pool_in_use")).toBe(0);
    expect(readValue(text, "thimble_database_pool_waiting")).toBe(0);
    expect(readValue(text, "thimble_database_up")).toBe(1);
  });
});

test("reloads of the keys are counted, with the time of the last success", async () => {
  const { metrics, scrape } = openMeasuredApp();
  const loadedAt = async () => readValue(await scrape(), "thimble_keys_loaded_timestamp_seconds");
  const first = await loadedAt();
  metrics.keysReloaded(false);
  expect(await loadedAt()).toBe(first);
  while (Date.now() / 1000 <= first) await Bun.sleep(1);
  metrics.keysReloaded(true);
  metrics.keysReloaded(true);
  const text = await scrape();
  expect(readValue(text, "thimble_keys_loaded_timestamp_seconds")).toBeGreaterThan(first);
  expect(readValue(text, "thimble_key_reloads_total", { result: "success" })).toBe(2);
  expect(readValue(text, "thimble_key_reloads_total", { result: "failure" })).toBe(1);
});

test("the metrics of the process are those of this process", async () => {
  const text = await openMeasuredApp().scrape();
  const now = Date.now() / 1000;
  expect(readValue(text, "process_start_time_seconds")).toBeWithin(now - process.uptime() - 5, now);
  expect(readValue(text, "process_cpu_seconds_total")).toBeGreaterThan(0);
  expect(readValue(text, "process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
  expect(readValue(text, "process_virtual_memory_bytes")).toBeGreaterThan(10_000_000);
  expect(readValue(text, "process_open_fds")).toBeWithin(3, readValue(text, "process_max_fds"));
  expect(readValue(text, "thimble_heap_used_bytes")).toBeGreaterThan(100_000);
});

describe("the format", () => {
  let text: string;
  let openMetrics: string;

  beforeAll(async () => {
    const { request, scrape } = openMeasuredApp({
      poolUse: () => ({ size: 1, inUse: 0, waiting: 0 }),
    });
    await request("/books");
    // In this order: writing one must not change the other.
    openMetrics = await scrape(OPENMETRICS);
    text = await scrape();
  });

  test.skipIf(!promtool)(`passes promtool check metrics${reason}`, () => {
    expect(lint(text)).toBe("");
  });

  test.skipIf(!promtool)(`which would find a mistake${reason}`, () => {
    expect(lint("# TYPE a counter\na 1\n")).toContain("_total");
  });

  test("has every metric once, each sample once, and numbers alone", () => {
    const types = text.match(/^# TYPE .+$/gm) ?? [];
    expect(new Set(types).size).toBe(types.length);
    const samples = parseSamples(text);
    const keys = samples.map(({ name, labels }) => JSON.stringify([name, labels]));
    expect(new Set(keys).size).toBe(keys.length);
    for (const { name, value } of samples) expect(`${name} ${value}`).not.toContain("NaN");
  });

  test("of OpenMetrics ends with EOF, and has families without _total and no empty lines", () => {
    expect(openMetrics).toEndWith("\n# EOF\n");
    expect(openMetrics).not.toContain("\n\n");
    expect(parseTypes(openMetrics).get("http_requests")).toBe("counter");
    expect(openMetrics).toContain("\nhttp_requests_total{");
    const families = [...parseTypes(openMetrics).keys()];
    expect(families.filter((name) => name.endsWith("_total"))).toEqual([]);
    expect(families).toEqual(
      [...parseTypes(text).keys()].map((name) => name.replace(/_total$/, "")),
    );
  });

  test("of text has counters with _total", () => {
    for (const [name, type] of parseTypes(text)) {
      expect(`${name} ${name.endsWith("_total")}`).toBe(`${name} ${type === "counter"}`);
    }
  });
});

describe("GET /metrics", () => {
  const { request } = openMeasuredApp();
  const TEXT = "text/plain; version=0.0.4; charset=utf-8";
  const OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  const PROMETHEUS =
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," +
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
  const rows: [accept: string | undefined, type: string][] = [
    [undefined, TEXT],
    ["*/*", TEXT],
    ["text/plain", TEXT],
    ["text/html,application/xhtml+xml,*/*;q=0.8", TEXT],
    ["image/png", TEXT],
    ["application/openmetrics-text", OPEN],
    [PROMETHEUS, OPEN],
    ["application/openmetrics-text;q=0.4, text/plain;q=0.5", TEXT],
    ["application/openmetrics-text;q=0, */*", TEXT],
    ["application/json", "application/json"],
    ["application/json;q=0.9, text/plain;q=0.2", "application/json"],
  ];
  for (const [accept, type] of rows) {
    test(`answers Accept: ${accept ?? "(none)"} with ${type}`, async () => {
      const response = await request("/metrics", {
        headers: { ...KEY, ...(accept && { Accept: accept }) },
      });
      expect(response.status).toBe(200);
      expect(response.headers.get("Content-Type")).toBe(type);
      expect(response.headers.get("Vary")).toBe("Accept");
      expect(response.headers.get("Cache-Control")).toBe("no-store");
    });
  }

  test("needs the key, in either header", async () => {
    expect((await request("/metrics")).status).toBe(401);
    expect((await request("/metrics", { headers: { "X-API-Key": "wrong" } })).status).toBe(401);
    const headers = { Authorization: `Bearer ${API_KEY}` };
    expect((await request("/metrics", { headers })).status).toBe(200);
  });

  test("answers JSON with four numbers", async () => {
    const started = Date.now();
    const { request } = openMeasuredApp();
    for (const path of ["/health", "/books", "/nothing"]) await request(path);
    const headers = { ...KEY, Accept: "application/json" };
    const body = await (await request("/metrics", { headers })).json();
    expect(body).toEqual({
      requests_total: 3,
      requests_success: 2,
      requests_failed: 1,
      startup_time: expect.any(String),
    });
    expect(Date.parse(body.startup_time)).toBeWithin(started, Date.now() + 1);
  });

  test("is a 404 without metrics, and where metrics have their own port", async () => {
    expect((await openApp().request("/metrics", { headers: KEY })).status).toBe(404);
    const metrics = createServiceMetrics(createMemoryDatabase(), Date.now);
    const elsewhere = openApp({ metrics, probesElsewhere: true });
    for (const path of ["/metrics", "/health", "/healthz", "/ready"]) {
      expect((await elsewhere.request(path, { headers: KEY })).status).toBe(404);
    }
    const page = await elsewhere.request("/", { headers: { Accept: "text/html" } });
    expect(await page.text()).not.toContain("/health");
  });
});
