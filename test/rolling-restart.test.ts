import { expect, setDefaultTimeout, test } from "bun:test";
import { type FreshDatabase, freshDatabase } from "./postgres.ts";
import {
  openConnection,
  type RawAnswer,
  type RawConnection,
  type ReverseProxy,
  startReverseProxy,
} from "./reverse-proxy.ts";
import { API_KEY, eventually, type Service, startService } from "./service.ts";

setDefaultTimeout(120_000);

const REQUESTS = 20_000;
const CLIENTS = 16;
/** One in this number of requests adds a book. */
const WRITE_SHARE = 8;
/** Several times longer than the proxy needs to notice that an instance is no longer ready. */
const DRAIN_DELAY_SECONDS = "2";

const READS = ["/books/1", "/healthz", "/books?limit=2", "/health"];

/** What clients got from a service. */
type Load = {
  answered: number;
  /** Requests without the right answer. */
  failures: string[];
  /** Titles of the books whose addition was acknowledged, by id. */
  added: Map<number, string>;
};

/** Starts clients that send requests without a pause; `finish` lets each receive its last answer. */
function startLoad(proxy: ReverseProxy) {
  const load: Load = { answered: 0, failures: [], added: new Map() };
  let isOver = false;

  async function client(number: number): Promise<void> {
    let connection: RawConnection | undefined;
    for (let turn = 0; !isOver; turn += 1) {
      const isWrite = turn % WRITE_SHARE === 0;
      const title = `Book ${turn} of client ${number}`;
      try {
        connection ??= await openConnection(proxy.port);
        const request = isWrite ? addition(title) : reading(turn);
        const answer = await connection.ask(request);
        note(load, answer, isWrite ? title : undefined);
      } catch (error) {
        load.failures.push(String(error));
        connection = undefined;
      }
    }
    connection?.close();
  }

  const clients = Array.from({ length: CLIENTS }, (_, number) => client(number));
  return {
    load,
    finish: async () => {
      isOver = true;
      await Promise.all(clients);
    },
  };
}

function note(load: Load, { status, body }: RawAnswer, title: string | undefined): void {
  load.answered += 1;
  if (title === undefined) {
    if (status !== 200) load.failures.push(`${status}: ${body}`);
    return;
  }
  if (status === 201) load.added.set(JSON.parse(body).id, title);
  else load.failures.push(`${status}: ${body}`);
}

function reading(turn: number): string {
  return `GET ${READS[turn % READS.length]} HTTP/1.1\r\nHost: a\r\n\r\n`;
}

function addition(title: string): string {
  const body = JSON.stringify({ title, author: "A client", year: 2000 });
  return [
    "POST /books HTTP/1.1",
    "Host: a",
    `X-API-Key: ${API_KEY}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

/** A deployment: instances on one database behind a proxy. */
async function deploy(database: FreshDatabase, count: number) {
  const proxy = startReverseProxy();
  const instances: Service[] = [];
  const env = { DATABASE_URL: database.url, DRAIN_DELAY_SECONDS, DATABASE_POOL_SIZE: "5" };

  async function start(): Promise<Service> {
    const instance = await startService({ env });
    instances.push(instance);
    proxy.add(instance.port);
    await eventually("the proxy uses the instance", () => proxy.uses(instance.port) || undefined);
    return instance;
  }

  for (let number = 0; number < count; number += 1) await start();
  return {
    proxy,
    running: () => instances.slice(-count),
    /** Like an orchestrator: first starts the successor of each, and then ends the old one. */
    restart: async () => {
      for (const old of instances.slice(-count)) {
        await start();
        expect(await old.stop()).toEqual({ code: 0, signal: null });
        proxy.remove(old.port);
      }
    },
    [Symbol.asyncDispose]: async () => {
      proxy.close();
      for (const instance of instances) await instance[Symbol.asyncDispose]();
    },
  };
}

/** Every book that the service lists. */
async function listTitles({ url }: Service): Promise<Map<number, string>> {
  const titles = new Map<number, string>();
  for (let page: string | null = "/books?limit=200"; page !== null; ) {
    const { items, next_cursor }: { items: { id: number; title: string }[]; next_cursor: string } =
      await (await fetch(url + page)).json();
    for (const { id, title } of items) titles.set(id, title);
    page = next_cursor && `/books?limit=200&cursor=${encodeURIComponent(next_cursor)}`;
  }
  return titles;
}

for (const count of [1, 3]) {
  const instances = count === 1 ? "1 instance" : `${count} instances`;
  test(`a restart of ${instances} under load fails no request and loses no book`, async () => {
    const database = await freshDatabase();
    {
      await using deployment = await deploy(database, count);
      const { load, finish } = startLoad(deployment.proxy);
      await eventually("the load", () => load.answered >= 1000 || undefined);
      await deployment.restart();
      await eventually("all requests", () => load.answered >= REQUESTS || undefined, 100_000);
      await finish();
      expect(load.failures).toEqual([]);
      expect(deployment.proxy.failures()).toEqual([]);
      const [instance] = deployment.running();
      const titles = instance ? await listTitles(instance) : new Map();
      expect(load.added.size).toBeGreaterThan(REQUESTS / WRITE_SHARE / 2);
      for (const [id, title] of load.added) expect(titles.get(id)).toBe(title);
    }
    await database.drop();
  });
}

test("the proxy of these tests hides nothing: if an instance is killed, requests fail", async () => {
  const database = await freshDatabase();
  {
    await using deployment = await deploy(database, 1);
    const { load, finish } = startLoad(deployment.proxy);
    await eventually("the load", () => load.answered >= 1000 || undefined);
    await deployment.running()[0]?.stop("SIGKILL");
    await eventually("a failure", () => load.failures.length > 0 || undefined);
    await finish();
    expect(deployment.proxy.failures().length).toBeGreaterThan(0);
  }
  await database.drop();
});
