import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { startCollector } from "./collector.ts";
import { freshDatabase } from "./postgres.ts";
import { FROM_SOURCE } from "./program.ts";
import { API_KEY, eventually, newDirectory, startService } from "./service.ts";

setDefaultTimeout(60_000);

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;

test("a statement on PostgreSQL names its span, if it is sampled", async () => {
  using collector = startCollector();
  const { url, drop } = await freshDatabase();
  const env = { DATABASE_URL: url, DATABASE_POOL_SIZE: "1" };
  const admin = postgres(url, { max: 1 });
  const lastStatement = async () => {
    const [row] = await admin`SELECT query FROM pg_stat_activity
      WHERE application_name = ${"thimble"} AND datname = current_database()`;
    return String(row?.query);
  };
  {
    const OTEL_EXPORTER_OTLP_ENDPOINT = collector.url;
    await using service = await startService({
      command: FROM_SOURCE,
      env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER: "parentbased_always_off" },
    });
    // At first, the service's own maintenance may come in between.
    const unsampled = await eventually("the statement of a request", async () => {
      await fetch(`${service.url}/books/1`);
      const last = await lastStatement();
      return last.endsWith('FROM "books" WHERE id = $1') ? last : undefined;
    });
    await fetch(`${service.url}/books/1`, { headers: { traceparent } });
    const sampled = await lastStatement();
    await service.stop();
    const [operation] = await collector.received(2);
    expect(operation?.attributes["db.system.name"]).toBe("postgresql");
    expect(sampled).toBe(`${unsampled} /*traceparent='00-${TRACE}-${operation?.spanId}-01'*/`);
  }
  {
    await using service = await startService({ command: FROM_SOURCE, env });
    await eventually("a statement that names the request", async () => {
      await fetch(`${service.url}/books/1`, { headers: { traceparent } });
      const last = await lastStatement();
      return new RegExp(`'00-${TRACE}-[0-9a-f]{16}-01'\\*/$`).test(last) || undefined;
    });
    await service.stop();
  }
  await admin.end();
  await drop();
});

test("the collector is sent the headers that their file has since the start", async () => {
  using collector = startCollector();
  const path = join(newDirectory(), "headers");
  writeFileSync(path, "x-key=first");
  await using service = await startService({
    command: FROM_SOURCE,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS_FILE: path,
    },
  });
  writeFileSync(path, "x-key=second");
  await service.logged("secrets reloaded");
  await fetch(`${service.url}/healthz`);
  await service.stop();
  expect(collector.requests.map(({ headers }) => headers.get("x-key"))).toEqual(["second"]);
});

test("no secret and no value of a query is in the log, whatever goes wrong", async () => {
  using collector = startCollector({ behaviour: () => new Response("no", { status: 401 }) });
  const { url, drop } = await freshDatabase();
  const wrong = new URL(url);
  wrong.password = "hidden-password";
  const apiKey = "hidden-api-key-0123";
  for (const DATABASE_URL of [wrong.href, url, "sqlite:books.db"]) {
    await using service = await startService({
      command: FROM_SOURCE,
      env: {
        ...{ DATABASE_URL, API_KEY: apiKey, DEBUG: "true" },
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: "x-key=hidden-collector-key",
      },
    });
    const send = (path: string, init: RequestInit) =>
      fetch(service.url + path, { ...init, headers: { ...HIDDEN_HEADERS, ...init.headers } });
    const keyed = { "X-API-Key": apiKey, "Content-Type": "application/json" };
    await send("/books?q=hidden-word&cursor=hidden-cursor&limit=hidden", {});
    await send("/books?author=hidden-author%00%ff&hidden=1#hidden", {});
    await send("/nothing?key=hidden", {});
    for (const body of [
      '{"title":"hidden","author":"hidden","year":1}',
      '{"title":"hidden"}',
      '{"hidden": hidden',
      "hidden",
    ]) {
      await send("/books", { method: "POST", body, headers: keyed });
      await send("/api/v1/process", { method: "POST", body, headers: keyed });
    }
    await send("/books", { method: "POST", body: "{}", headers: { "X-API-Key": "hidden-wrong" } });
    await service.stop();
    expect(service.log().length).toBeGreaterThan(10);
    expect(service.log()).toContainEqual(
      expect.objectContaining({ message: "spans not exported", error: expect.any(String) }),
    );
    expect(service.stdout() + service.stderr()).not.toMatch(/hidden/i);
    expect(service.stdout()).not.toContain(API_KEY);
  }
  await drop();
});

const HIDDEN_HEADERS = {
  Authorization: "Bearer hidden-token-0123",
  Cookie: "session=hidden-cookie",
  Referer: "https://site.example/?hidden-referer",
  "User-Agent": "hidden-agent",
  "Idempotency-Key": "hidden-idempotency",
  "If-Match": '"hidden-tag"',
  traceparent: "hidden-traceparent",
  tracestate: "hidden=state",
};
