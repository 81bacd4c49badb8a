import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { API_KEY, openApp } from "../../../test/app.ts";
import { startCollector, takeSpans } from "../../../test/collector.ts";
import { eventually, newDirectory } from "../../../test/service.ts";
import { parseConfig } from "../../config/config.ts";
import { createLogger, type LogFields } from "../../telemetry/logger.ts";
import type { FinishedSpan } from "../../telemetry/tracing.ts";
import { createSecretReload } from "../secrets/reload.ts";
import { readConfig } from "../secrets/secrets.ts";
import { openTracing } from "./open-tracing.ts";
import { startSpanExport } from "./span-export.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const traceparent = `00-${TRACE}-${PARENT}-01`;

/** An address where nothing listens. */
const NOWHERE = "http://127.0.0.1:9";

function memoryLog() {
  const lines: LogFields[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const logger = createLogger({ level: "INFO", format: "json", clock: Date.now, write });
  return { logger, lines };
}

function tracingOf(variables: Record<string, string>) {
  const { tracing } = parseConfig({ API_KEY, ...variables });
  if (!tracing) throw new Error("The variables name no collector");
  return tracing;
}

/** The app in this process, with its tracing configured by these variables. */
async function openTracedApp(variables: Record<string, string>) {
  const config = parseConfig({ API_KEY, DATABASE_URL: "memory:", ...variables });
  const { logger, lines } = memoryLog();
  const opened = openTracing(config, logger);
  const { app } = openApp({ tracing: opened.tracing });
  const ask = async (path: string, init: RequestInit = {}) => {
    const request = new Request(`http://books.example:5000${path}`, init);
    return app.fetch(request, { peerAddress: "192.0.2.7" });
  };
  return { ask, lines, ...opened };
}

const spanOf = (spanId: string): FinishedSpan => ({
  trace: { traceId: TRACE, spanId, sampled: true, random: false },
  name: "GET /healthz",
  kind: "server",
  startMs: Date.now(),
  durationMs: 1,
  attributes: {},
  failed: false,
});

describe("a request that is sampled", () => {
  test("is a span by the semantic conventions, with one for its store operation", async () => {
    using collector = startCollector();
    const app = await openTracedApp({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const before = Date.now();
    await app.ask("/books/1?hidden=query", {
      headers: {
        ...{ traceparent, tracestate: "rojo=1", "X-Request-Id": "an-id" },
        ...{ "User-Agent": "test/1", Authorization: "Bearer hidden-key" },
      },
    });
    await app.flush();
    const [operation, request] = await collector.received(2);
    expect(request).toMatchObject({
      traceId: TRACE,
      parentSpanId: PARENT,
      traceState: "rojo=1",
      name: "GET /books/:id",
      kind: 2,
      // Sampled, and the parent is known to be in another process.
      flags: 0x301,
      status: { code: 0 },
    });
    expect(request?.attributes).toEqual({
      "http.request.method": "GET",
      "http.route": "/books/:id",
      "http.response.status_code": 200,
      "url.path": "/books/1",
      "url.scheme": "http",
      "server.address": "books.example",
      "server.port": 5000,
      "client.address": "192.0.2.7",
      "user_agent.original": "test/1",
      "http.request.header.x-request-id": ["an-id"],
    });
    expect(operation).toMatchObject({
      traceId: TRACE,
      parentSpanId: request?.spanId,
      name: "get books",
      kind: 3,
      flags: 0x101,
      attributes: {
        "db.system.name": "memory",
        "db.operation.name": "get",
        "db.collection.name": "books",
      },
    });
    const times = [request, operation, operation, request].map((span, index) =>
      BigInt((index < 2 ? span?.startTimeUnixNano : span?.endTimeUnixNano) ?? 0),
    );
    expect(times).toEqual(times.toSorted((a, b) => Number(a - b)));
    expect(Math.abs(Number((times[0] ?? 0n) / 1_000_000n) - before)).toBeLessThan(60_000);
    expect(JSON.stringify(collector.spans)).not.toContain("hidden");
  });

  test("has the resource attributes of the configuration", async () => {
    using collector = startCollector();
    const app = await openTracedApp({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/own/path`,
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=secret%20one",
      OTEL_SERVICE_NAME: "books",
      OTEL_RESOURCE_ATTRIBUTES: "k8s.pod.name=thimble-1,service.name=other",
    });
    await app.ask("/healthz");
    await app.flush();
    const [span] = await collector.received(1);
    // Sampled, under an id that is random, with no parent.
    expect(span).toMatchObject({ flags: 0x103 });
    expect(span).not.toHaveProperty("parentSpanId");
    expect(span?.resource).toMatchObject({
      "service.name": "books",
      "service.version": expect.any(String),
      "service.instance.id": expect.any(String),
      "deployment.environment.name": "production",
      "k8s.pod.name": "thimble-1",
      // The name `opentelemetry` is reserved for OpenTelemetry's own SDKs.
      "telemetry.sdk.name": "thimble",
      "telemetry.sdk.language": "nodejs",
    });
    expect(collector.requests[0]?.path).toBe("/own/path");
    expect(collector.requests[0]?.headers.get("x-key")).toBe("secret one");
  });

  test("is sent with the new headers after their secret is replaced", async () => {
    using collector = startCollector();
    const path = join(newDirectory(), "headers");
    writeFileSync(path, "x-key=first");
    const env = {
      ...{ API_KEY, DATABASE_URL: "memory:", OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
      OTEL_EXPORTER_OTLP_HEADERS_FILE: path,
    };
    const { config, files } = readConfig(env);
    const { logger } = memoryLog();
    const { tracing, reconfigure, flush } = openTracing(config, logger);
    const reload = createSecretReload({ env, files, logger, parts: [reconfigure] });
    tracing?.spans?.record(spanOf("1".repeat(16)));
    await flush();
    writeFileSync(path, "x-key=second");
    await reload.reload();
    reload.close();
    tracing?.spans?.record(spanOf("2".repeat(16)));
    await flush();
    const keys = collector.requests.map(({ headers }) => headers.get("x-key"));
    expect(keys).toEqual(["first", "second"]);
  });

  test("that fails has the status ERROR, and one that finds nothing has not", async () => {
    using collector = startCollector();
    const { tracing, flush } = await openTracedApp({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    });
    const fail = async () => {
      throw new RangeError("hidden reason");
    };
    const { request } = openApp({ store: { list: fail }, tracing });
    await request("/books");
    await request("/books/99");
    await flush();
    const [list, failed, get, notFound] = await collector.received(4);
    expect(list).toMatchObject({ status: { code: 2 }, attributes: { "error.type": "RangeError" } });
    expect(failed).toMatchObject({
      name: "GET /books",
      status: { code: 2 },
      attributes: { "error.type": "500", "http.response.status_code": 500 },
    });
    expect(get?.status).toEqual({ code: 0 });
    expect(notFound).toMatchObject({ status: { code: 0 }, name: "GET /books/:id" });
    expect(notFound?.attributes).not.toHaveProperty("error.type");
    expect(JSON.stringify(collector.spans)).not.toContain("hidden");
  });

  test("has no more names than there are routes and methods", async () => {
    using collector = startCollector();
    const { ask, flush } = await openTracedApp({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await ask("/nothing/here");
    await ask("/books", { method: "PROPFIND" });
    await ask("/books", { headers: { "User-Agent": "x".repeat(5000) } });
    await flush();
    const spans = (await collector.received(4)).filter(({ kind }) => kind === 2);
    expect(spans.map(({ name }) => name)).toEqual(["GET", "HTTP", "GET /books"]);
    expect(spans[1]?.attributes).toMatchObject({
      "http.request.method": "_OTHER",
      "http.request.method_original": "PROPFIND",
    });
    expect(String(spans[2]?.attributes["user_agent.original"])).toHaveLength(1024);
  });
});

describe("what is sampled:", () => {
  const unsampled = `00-${TRACE}-${PARENT}-00`;
  const rows: [sampler: string, none: boolean, sampled: boolean, not: boolean][] = [
    ["parentbased_always_on", true, true, false],
    ["parentbased_always_off", false, true, false],
    ["always_on", true, true, true],
    ["always_off", false, false, false],
  ];
  for (const [OTEL_TRACES_SAMPLER, ...expected] of rows) {
    test(`with ${OTEL_TRACES_SAMPLER}, without a caller's decision and with it`, async () => {
      using collector = startCollector();
      const url = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
      const { ask, flush } = await openTracedApp({ ...url, OTEL_TRACES_SAMPLER });
      await ask("/healthz", { headers: { "X-Request-Id": "0" } });
      await ask("/healthz", { headers: { "X-Request-Id": "1", traceparent } });
      await ask("/healthz", { headers: { "X-Request-Id": "2", traceparent: unsampled } });
      await flush();
      const ids = collector.spans.flatMap(
        ({ attributes }) => attributes["http.request.header.x-request-id"],
      );
      expect(["0", "1", "2"].map((id) => ids.includes(id))).toEqual(expected);
    });
  }

  test("a part of all traces, the same traces in every service", () => {
    const { logger } = memoryLog();
    const open = (ratio: string) =>
      startSpanExport({
        config: tracingOf({
          OTEL_EXPORTER_OTLP_ENDPOINT: NOWHERE,
          OTEL_TRACES_SAMPLER: "traceidratio",
          OTEL_TRACES_SAMPLER_ARG: ratio,
        }),
        environment: "test",
        logger,
      });
    const [first, second] = [open("0.25"), open("0.25")];
    const ids = Array.from({ length: 4000 }, () => crypto.randomUUID().replaceAll("-", ""));
    const taken = ids.filter((id) => first.samples(id, undefined));
    expect(taken.length).toBeWithin(800, 1200);
    expect(ids.filter((id) => second.samples(id, false))).toEqual(taken);
    // The four words of an id are combined by XOR: the first three ids are below a quarter of 2^32.
    const words = ["3fffffff", "40000000", "00000000", "80000001"];
    const idsOf = (...order: number[]) => order.map((index) => words[index]).join("");
    const edges = [idsOf(2, 2, 2, 0), idsOf(1, 1, 2, 0), idsOf(3, 2, 3, 2), idsOf(2, 1, 2, 2)];
    expect(edges.map((id) => first.samples(id, undefined))).toEqual([true, true, true, false]);
    expect(ids.filter((id) => open("0").samples(id, true))).toEqual([]);
    expect(ids.filter((id) => open("1").samples(id, false))).toEqual(ids);
  });
});

test("without a collector, only PostgreSQL learns of traces", async () => {
  const { logger } = memoryLog();
  const open = (DATABASE_URL: string) =>
    openTracing(parseConfig({ API_KEY, DATABASE_URL }), logger);
  expect(open("memory:").tracing).toBeUndefined();
  const { tracing, flush } = open("postgres://u@db.example/books");
  expect(tracing?.spans).toBeUndefined();
  await flush();
});

describe("a collector that does not accept spans", () => {
  const behaviours: [what: string, answer: () => Response | Promise<Response>, error: RegExp][] = [
    ["fails", () => new Response(null, { status: 500 }), /answered 500/],
    ["refuses", () => new Response("no", { status: 401 }), /answered 401/],
    ["redirects", () => Response.redirect("http://127.0.0.1:9/", 308), /answered 308/],
    ["is busy for long", () => busy(60), /answered 429/],
    ["never answers", () => new Promise<never>(() => {}), /no answer within 300 ms/],
    [
      "leaves spans out",
      () => Response.json({ partialSuccess: { rejectedSpans: "1", errorMessage: "too old" } }),
      /refused spans: too old/,
    ],
  ];
  for (const [what, answer, error] of behaviours) {
    test(`and ${what} is one line that warns`, async () => {
      using collector = startCollector({ behaviour: answer });
      const { lines, logger } = memoryLog();
      const url = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
      const config = tracingOf({ ...url, OTEL_EXPORTER_OTLP_TIMEOUT: "300" });
      const spans = startSpanExport({ config, environment: "test", logger });
      for (let turn = 1; turn <= 3; turn += 1) {
        spans.record(spanOf(`${turn}`.repeat(16)));
        await spans.flush();
      }
      expect(collector.problems).toEqual([]);
      expect(lines).toMatchObject([
        { level: "WARNING", message: "spans not exported", error: expect.stringMatching(error) },
      ]);
      expect(lines[0]?.spans_lost).toBe(1);
    });
  }

  test("and is not there is one line that warns", async () => {
    const { lines, logger } = memoryLog();
    const config = tracingOf({
      OTEL_EXPORTER_OTLP_ENDPOINT: NOWHERE,
      OTEL_EXPORTER_OTLP_TIMEOUT: "300",
    });
    const spans = startSpanExport({ config, environment: "test", logger });
    spans.record(spanOf("1".repeat(16)));
    await spans.flush();
    expect(lines).toMatchObject([{ level: "WARNING", message: "spans not exported" }]);
  });

  for (const [what, answer] of [
    ["garbage", () => new Response("<html>", { headers: { "Content-Length": "6" } })],
    ["nothing", () => new Response(null)],
    ["null", () => new Response("null")],
    ["more than is read", () => new Response("x".repeat(1_000_000))],
  ] as [string, () => Response][]) {
    test(`but answers 200 with ${what} has accepted them`, async () => {
      using collector = startCollector({ behaviour: answer });
      const { lines, logger } = memoryLog();
      const config = tracingOf({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
      const spans = startSpanExport({ config, environment: "test", logger });
      spans.record(spanOf("1".repeat(16)));
      await spans.flush();
      expect(lines).toEqual([]);
      expect(collector.spans).toHaveLength(1);
    });
  }

  for (const [what, answer] of [
    ["busy", () => busy(0)],
    ["not there for a moment", () => new Response(null, { status: 503 })],
  ] as const) {
    test(`because it is ${what} receives them again`, async () => {
      let turns = 0;
      const behaviour = (request: Request) => {
        turns += 1;
        return turns === 1 ? answer() : takeSpans(request);
      };
      using collector = startCollector({ behaviour });
      const { lines, logger } = memoryLog();
      const config = tracingOf({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
      const spans = startSpanExport({ config, environment: "test", logger });
      spans.record(spanOf("1".repeat(16)));
      await spans.flush();
      expect(await collector.received(1)).toHaveLength(1);
      expect(lines).toEqual([]);
    });
  }

  for (const [what, answer] of [
    ["busy", () => busy(0)],
    ["not there", () => new Response(null, { status: 503 })],
  ] as const) {
    test(`because it is ${what} is asked again after 400 ms, then 800 ms, at the earliest`, async () => {
      for (const [timeoutMs, requests] of [
        [390, 1],
        [1190, 2],
      ] as const) {
        using collector = startCollector({ behaviour: answer });
        const { lines, logger } = memoryLog();
        const url = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
        const config = tracingOf({ ...url, OTEL_EXPORTER_OTLP_TIMEOUT: `${timeoutMs}` });
        const spans = startSpanExport({ config, environment: "test", logger });
        spans.record(spanOf("1".repeat(16)));
        await spans.flush();
        expect(collector.requests.length).toBeWithin(1, requests + 1);
        expect(lines).toMatchObject([{ spans_lost: 1 }]);
      }
    });
  }

  test("does not fill memory: spans above the limit are left out and counted", async () => {
    using collector = startCollector({ behaviour: () => new Promise<never>(() => {}) });
    const { lines, logger } = memoryLog();
    const url = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const config = tracingOf({ ...url, OTEL_EXPORTER_OTLP_TIMEOUT: "200" });
    const spans = startSpanExport({ config, environment: "test", logger });
    for (let turn = 0; turn < 2058; turn += 1) spans.record(spanOf("1".repeat(16)));
    expect(lines).toEqual([]);
    await spans.flush();
    expect(lines).toMatchObject([
      // A batch, and the spans above the limit.
      { error: "Error: no answer within 200 ms", spans_lost: 512 + 10 },
    ]);
    collector.behave(takeSpans);
    spans.record(spanOf("2".repeat(16)));
    await spans.flush();
    expect(await collector.received(1, ({ spanId }) => spanId.startsWith("2"))).toHaveLength(1);
  });

  test("in time is one line with the number of spans that were left out", async () => {
    const { promise: answer, resolve } = Promise.withResolvers<Response>();
    using collector = startCollector({ behaviour: () => answer });
    const { lines, logger } = memoryLog();
    const config = tracingOf({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const spans = startSpanExport({ config, environment: "test", logger });
    for (let turn = 0; turn < 2058; turn += 1) spans.record(spanOf("1".repeat(16)));
    await eventually("the collector is asked", () => collector.requests[0]);
    collector.behave(takeSpans);
    resolve(new Response(null));
    await spans.close();
    expect(lines).toMatchObject([
      { error: "Error: too many spans wait to be sent", spans_lost: 10 },
    ]);
  });

  test("and is not there is one line at the end, with the number of lost spans", async () => {
    const app = await openTracedApp({ OTEL_EXPORTER_OTLP_ENDPOINT: NOWHERE });
    for (let turn = 0; turn < 3; turn += 1) await app.ask("/healthz");
    await app.flush();
    expect(app.lines).toMatchObject([
      {
        level: "WARNING",
        message: "spans not exported",
        spans_lost: 3,
        error: expect.stringMatching(/ConnectionRefused|ECONNREFUSED/),
      },
    ]);
  });

  test("is not waited for longer than two seconds at the end", async () => {
    using collector = startCollector({ behaviour: () => new Promise<never>(() => {}) });
    const { logger } = memoryLog();
    const config = tracingOf({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const spans = startSpanExport({ config, environment: "test", logger });
    spans.record(spanOf("1".repeat(16)));
    const flushed = spans.flush().then(() => "flushed");
    await eventually("the collector is asked", () => collector.requests[0]);
    expect(await flushed).toBe("flushed");
  });
});

function busy(seconds: number): Response {
  return new Response(null, { status: 429, headers: { "Retry-After": `${seconds}` } });
}
