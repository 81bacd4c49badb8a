import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { constants, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Collector, startCollector } from "./collector.ts";
import { MOUNTING, mayMount, mountAt } from "./mount.ts";
import { beginRequest, type Program, type ProgramOptions } from "./program.contract.ts";
import {
  eventually,
  isGone,
  newDirectory,
  type Service,
  startService as startProgram,
  until,
  type Variables,
} from "./service.ts";

// A busy machine may take longer than Bun's five seconds to build and start.
setDefaultTimeout(30_000);

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;

/** An address where nothing listens. */
const NOWHERE = "http://127.0.0.1:9";

/** More than the pipes to this process hold, and less than the limit of waiting lines. */
const MUCH_BYTES = 2 * 1024 * 1024;

/** The two seconds for a log that nobody reads, and time for a busy machine. */
const END_LIMIT_MS = 10_000;

/** No line of the log is lost or torn, and spans reach a collector. */
export function logContract(
  name: string,
  program: Program,
  { waitsForReader = false, learnsPartialWrites = true }: ProgramOptions = {},
): void {
  const startService = async (env: Variables = {}) =>
    startProgram({ command: await program(), env });
  const reason = waitsForReader ? " (skipped: its log waits for its reader)" : "";

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

    for (const [what, start] of [
      ["a pipe", startPiped],
      ["a socket", startAtSocket],
    ] as const) {
      test.skipIf(waitsForReader)(
        `requests go on while nobody reads it from ${what}, and no line is lost${reason}`,
        async () => {
          await using service = await start(await program());
          service.pauseStdout();
          const answered = await askMuch(service);
          service.resumeStdout();
          expect(await service.stop()).toEqual({ code: 0, signal: null });
          expectAllLogged(service, answered);
        },
      );
    }

    const partly = learnsPartialWrites
      ? ""
      : " (skipped: it does not learn how much a full disk accepted)";
    test.if(mayMount && learnsPartialWrites)(
      `requests go on while the disk with it is full, and no line is lost${MOUNTING}${partly}`,
      async () => {
        const directory = newDirectory();
        const unmount = mountAt(directory, "size=128k");
        try {
          await using service = await startAtFile(await program(), join(directory, "log"));
          const answered = await askMuch(service);
          mountAt(directory, "remount,size=16m");
          expect(await service.stop()).toEqual({ code: 0, signal: null });
          expectAllLogged(service, answered);
        } finally {
          unmount();
        }
      },
    );

    for (const [first, second, code] of [
      ["SIGTERM", undefined, 0],
      ["SIGTERM", "SIGINT", 130],
    ] as const) {
      const what = second ? `${second} after ${first}` : first;
      test.skipIf(waitsForReader)(
        `${what} ends the service while nobody reads it${reason}`,
        async () => {
          await using service = await startPiped(await program());
          service.pauseStdout();
          await askMuch(service);
          const connection = second && (await beginRequest(service));
          service.kill(first);
          await askUntilGone(service);
          if (second) service.kill(second);
          await until("its end", () => isGone(service.pid), END_LIMIT_MS);
          connection?.close();
          service.resumeStdout();
          expect(await service.exited).toEqual({ code, signal: null });
        },
      );
    }
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
      // The size of one batch, which is sent at once.
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

/** Starts a service whose log is a pipe, as in a container; another process passes it on to this one. */
async function startPiped(command: readonly string[]): Promise<Service> {
  const script = 'mkfifo log.pipe; cat log.pipe & exec "$@" > log.pipe';
  return startProgram({ command: ["sh", "-c", script, "sh", ...command] });
}

/** Starts a service whose log is a file, whose lines appear on standard output. */
function startAtFile(command: readonly string[], path: string): Promise<Service> {
  const script = ': >"$0"; tail -s 0.05 --pid=$$ -n +1 -f "$0" & exec "$@" >>"$0"';
  return startProgram({ command: ["sh", "-c", script, path, ...command] });
}

/** Starts a service whose log is a socket, as in a unit of systemd, and waits until writes return at once. */
async function startAtSocket(command: readonly string[]): Promise<Service> {
  const service = await startProgram({ command });
  await eventually("writes that return at once", () => {
    const [, flags = ""] =
      /^flags:\t(\d+)$/m.exec(readFileSync(`/proc/${service.pid}/fdinfo/1`, "utf8")) ?? [];
    return (Number.parseInt(flags, 8) & constants.O_NONBLOCK) !== 0 || undefined;
  });
  return service;
}

/** Resolves with the ids of the requests, all of which are answered. */
async function askMuch(service: Service): Promise<string[]> {
  const path = `/${"long".repeat(1500)}`;
  const ids = Array.from({ length: MUCH_BYTES / path.length }, () => crypto.randomUUID());
  for (const id of ids) await ask(service, path, id);
  return ids;
}

async function ask(service: Service, path: string, id: string): Promise<void> {
  const response = await fetch(service.url + path, { headers: { "X-Request-Id": id } });
  await response.arrayBuffer();
}

/** Sends requests until none is answered; resolves with the ids of the answered ones. */
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
