import { expect, test } from "bun:test";
import { type LoadOptions, startLoad } from "./load.ts";
import { until } from "./service.ts";

const READS = ["/one", "/two"];

function serve(fetch: (request: Request) => Response | Promise<Response>) {
  return Bun.serve({ port: 0, hostname: "127.0.0.1", fetch });
}

function loadOf({ url }: { url: URL }, options: Partial<LoadOptions> = {}) {
  return startLoad({ port: Number(url.port), perSecond: 500, reads: READS, ...options });
}

test("requests start at a constant rate, also while none is answered", async () => {
  const answer = Promise.withResolvers<void>();
  using server = serve(async () => {
    await answer.promise;
    return new Response("ok");
  });
  const { load, finish } = loadOf(server);
  await until("50 are in flight", () => load.sent >= 50);
  expect(load.answered).toBe(0);
  answer.resolve();
  const { sent, answered, failures } = await finish();
  expect({ answered, failures }).toEqual({ answered: sent, failures: [] });
});

test("reads and writes take turns, and what is acknowledged is known by its id", async () => {
  const asked = new Map<string, number>();
  const stored: unknown[] = [];
  using server = serve(async (request) => {
    const { pathname } = new URL(request.url);
    const what = `${request.method} ${pathname} ${request.headers.get("X-API-Key")}`;
    asked.set(what, (asked.get(what) ?? 0) + 1);
    if (request.method === "GET") return new Response("ok");
    const id = stored.push(await request.json());
    return Response.json({ id }, { status: 201 });
  });
  const writes = { path: "/entries", apiKey: "a-key", entry: (title: string) => ({ title }) };
  const { load, finish } = loadOf(server, { writes });
  await until("80 are answered", () => load.answered >= 80);
  const { sent, added, failures } = await finish();
  expect(failures).toEqual([]);
  expect([...asked.keys()].toSorted()).toEqual([
    "GET /one null",
    "GET /two null",
    "POST /entries a-key",
  ]);
  expect(added.size).toBe(Math.ceil(sent / 8));
  expect([...added].map(([, title]) => ({ title }))).toEqual(
    [...added].map(([id]) => stored[id - 1] as { title: string }),
  );
});

test("another status is a failed request", async () => {
  using server = serve(() => new Response("not now", { status: 503 }));
  const { load, finish } = loadOf(server, { reads: ["/one"] });
  await until("a failure", () => load.failures.length > 0);
  expect((await finish()).failures[0]).toContain(": GET /one: 503 not now");
});

test("a service that is gone fails every request", async () => {
  const server = serve(() => new Response("ok"));
  const { load, finish } = loadOf(server);
  await until("it answers", () => load.answered > 0);
  await server.stop(true);
  await until("failures", () => load.failures.length >= 5);
  const { sent, answered, failures } = await finish();
  expect(answered + failures.length).toBe(sent);
});
