import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Collector, startCollector } from "./collector.ts";
import { beginRequest, type Program } from "./program.contract.ts";
import {
  eventually,
  type Service,
  startService as startProgram,
  type Variables,
} from "./service.ts";

// A busy machine may take longer than Bun's five seconds to build and start.
setDefaultTimeout(30_000);

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;

/** Nothing listens there. */
const NOWHERE = "http://127.0.0.1:9";

/** How long an answer may fail to come before the service is taken to wait for something. */
const STALL_MS = 500;

/** That no line of the log is lost or torn, and that what happens reaches a collector of traces. */
export function logContract(name: string, program: Program): void {
  const startService = async (env: Variables = {}) =>
    startProgram({ command: await program(), env });

  describe(`${name}: log`, () => {
    test("every answered request is in it, when a signal comes among many", async () => {
      await using service = await startService();
      const clients = Array.from({ length: 8 }, () => askUntilGone(service));
      await eventually("some are answered", () => service.log().length > 100 || undefined);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expectAllLogged(service, (await Promise.all(clients)).flat());
    });

    test("every answered request is in it, when a second signal ends the service", async () => {
      await using service = await startService();
      const clients = Array.from({ length: 8 }, () => askUntilGone(service));
      await eventually("some are answered", () => service.log().length > 100 || undefined);
      const connection = await beginRequest(service);
      service.kill("SIGTERM");
      await service.logged("draining");
      service.kill("SIGTERM");
      expect(await service.exited).toEqual({ code: 143, signal: null });
      connection.close();
      expectAllLogged(service, (await Promise.all(clients)).flat());
    });

    test("no line is lost while nobody reads it; the service waits for its reader", async () => {
      await using service = await startService();
      service.pauseStdout();
      const answered: string[] = [];
      const path = `/${"long".repeat(500)}`;
      for (let stalled = false; !stalled; ) {
        const id = crypto.randomUUID();
        // The last one may come when the drain has begun already.
        const answer = ask(service, path, id).then(
          () => answered.push(id),
          () => 0,
        );
        stalled = (await Promise.race([answer, Bun.sleep(STALL_MS)])) === undefined;
        if (stalled) {
          service.kill("SIGTERM");
          service.resumeStdout();
          await answer;
        }
      }
      expect(await service.exited).toEqual({ code: 0, signal: null });
      expectAllLogged(service, answered);
    });
  });

  describe(`${name}: traces`, () => {
    test("are sent by the end of the drain, and the log names them", async () => {
      using collector = startCollector();
      await using service = await startService(exportTo(collector));
      const response = await fetch(`${service.url}/books/1`, { headers: { traceparent } });
      expect(response.status).toBe(200);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      const spans = await collector.received(2);
      expect(spans.map((span) => [span.traceId, span.name])).toEqual([
        [TRACE, "get books"],
        [TRACE, "GET /books/:id"],
      ]);
      expect(spans[0]?.attributes["db.system.name"]).toBe("sqlite");
      expect(spans[0]?.parentSpanId).toBe(spans[1]?.spanId ?? "");
      expect(service.log()).toContainEqual(
        expect.objectContaining({ message: "request", trace_id: TRACE, route: "/books/:id" }),
      );
      expect(service.stderr()).toBe("");
    });

    test("are sent while it serves, in batches", async () => {
      using collector = startCollector();
      await using service = await startService(exportTo(collector));
      // As many as one batch takes, so that it is not waited for.
      for (let turn = 0; turn < 512; turn += 1) await fetch(`${service.url}/healthz`);
      await collector.received(512);
      expect(collector.requests.map(({ spans }) => spans)).toEqual([512]);
    });

    for (const [what, endpoint] of [
      ["is not there", () => NOWHERE],
      ["never answers", ({ url }: Collector) => url],
    ] as const) {
      test(`a collector that ${what} keeps no request waiting, and no drain for long`, async () => {
        using collector = startCollector({ behaviour: () => new Promise<never>(() => {}) });
        await using service = await startService({
          ...exportTo(collector),
          OTEL_EXPORTER_OTLP_ENDPOINT: endpoint(collector),
        });
        for (let turn = 0; turn < 1100; turn += 1) {
          expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
        }
        expect(await service.stop()).toEqual({ code: 0, signal: null });
        expect(service.stderr()).toBe("");
        const warnings = service.log().filter(({ level }) => level !== "INFO");
        expect(warnings.length).toBeLessThanOrEqual(1);
      });
    }
  });
}

function exportTo({ url }: Collector): Variables {
  return { OTEL_EXPORTER_OTLP_ENDPOINT: url, ENVIRONMENT: "test" };
}

async function ask(service: Service, path: string, id: string): Promise<void> {
  const response = await fetch(service.url + path, { headers: { "X-Request-Id": id } });
  await response.arrayBuffer();
}

/** Asks until nobody answers any more; resolves with the ids of the requests that were answered. */
export async function askUntilGone(service: Service): Promise<string[]> {
  const answered: string[] = [];
  for (;;) {
    const id = crypto.randomUUID();
    try {
      const response = await fetch(`${service.url}/health`, { headers: { "X-Request-Id": id } });
      // On Deno, a request that comes during the drain meets an empty 503, which is not the app's.
      if (response.headers.get("X-Request-Id") === id) answered.push(id);
    } catch {
      return answered;
    }
  }
}

export function expectAllLogged(service: Service, ids: string[]): void {
  expect(ids.length).toBeGreaterThan(20);
  const text = service.stdout();
  expect(text).toEndWith("\n");
  // Throws at a line that is torn.
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { request_id?: string });
  const logged = new Set(lines.map(({ request_id }) => request_id));
  expect(ids.filter((id) => !logged.has(id))).toEqual([]);
}
