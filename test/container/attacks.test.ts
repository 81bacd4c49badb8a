import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { TARGETS } from "../../scripts/release/tags.ts";
import { openConnection } from "../connection.ts";
import { API_KEY, type Container, startContainer } from "./container.ts";
import { addEntry, expectEntries, PATH } from "./writers.ts";

setDefaultTimeout(180_000);

const MIB = 1024 * 1024;
const HEADERS = { "X-API-Key": API_KEY, "Content-Type": "application/json" };
const TITLE = "Dune";
const LONG = "\u8457".repeat(255);
const HEALTH_INTERVAL_MS = 100;
/** On a quiet machine it takes less than a second; the test itself keeps one of its cores busy. */
const HEALTH_LIMIT_MS = 5000;

type Attack = { what: string; run: (container: Container, url: string) => Promise<void> };

const attacks: Attack[] = [
  {
    what: "600 clients that ask for the API page and do not read it",
    run: (_, url) => askWithoutReading(url, "/docs", 600),
  },
  {
    what: "400 clients that ask for a long page of entries and do not read it",
    async run(container, url) {
      for (let entry = 0; entry < 100; entry += 1) {
        expect(await addEntry(container, LONG)).toBeNumber();
      }
      await askWithoutReading(url, `${PATH}?limit=200`, 400);
    },
  },
  {
    what: "100 bodies of 1 MiB with as many values as they can have",
    run: (container) => sendBodies(container, `[${"[],".repeat(MIB / 3 - 20)}[]]`),
  },
  {
    what: "100 bodies of 1 MiB with 50,000 values",
    run: (container) => sendBodies(container, `[${`"${"x".repeat(17)}",`.repeat(49_990)}[]]`),
  },
  {
    what: "100 bodies of 1 MiB that are one text",
    run: (container) => sendBodies(container, JSON.stringify("é".repeat(MIB / 2 - 40))),
  },
];

for (const target of TARGETS) {
  describe(`${target} in the documented memory survives`, () => {
    let container: Container;
    afterEach(() => container.remove());

    for (const { what, run } of attacks) {
      test(what, async () => {
        container = await startContainer(target);
        const url = await container.url();
        const acknowledged = new Map<number, string>();
        const ended = new AbortController();
        const writing = write(container, acknowledged, ended.signal);
        const health = watchHealth(url, ended.signal);
        await run(container, url);
        ended.abort();
        await writing;
        expect(await health).toBeLessThan(HEALTH_LIMIT_MS);
        expect(await container.inspect("{{.State.Running}} {{.State.OOMKilled}}")).toBe(
          "true false",
        );
        expect(acknowledged.size).toBeGreaterThan(0);
        await expectEntries(container, acknowledged);
      });
    }
  });
}

/** Opens connections, sends a request on each, and leaves the answers where they are, for three seconds. */
async function askWithoutReading(url: string, path: string, clients: number): Promise<void> {
  const port = Number(new URL(url).port);
  const connections = Array.from({ length: clients }, () => openConnection({ port }));
  for (const connection of connections) {
    connection.pause();
    connection.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n`);
  }
  await Bun.sleep(3000);
  for (const connection of connections) connection.close();
}

/**
 * Sends bodies at the same time. Some are refused, for what they are or because there is no room; then their
 * connections may be closed before all of the body was taken.
 */
async function sendBodies(container: Container, data: string): Promise<void> {
  const body = `{"action":"echo","data":${data}}`;
  const send = async () => {
    try {
      const request = { method: "POST", headers: HEADERS, body };
      const response = await container.fetch("/api/v1/process", request);
      await response.arrayBuffer();
      return response.status;
    } catch {
      return 503;
    }
  };
  const statuses = new Set(await Promise.all(Array.from({ length: 100 }, send)));
  expect([200, 413, 503]).toEqual(expect.arrayContaining([...statuses]));
}

/** Adds one entry after another; some may be refused meanwhile. */
async function write(
  container: Container,
  acknowledged: Map<number, string>,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted) {
    const id = await addEntry(container, TITLE);
    if (id !== undefined) acknowledged.set(id, TITLE);
  }
}

/** The longest that `/healthz` took, in milliseconds. */
async function watchHealth(url: string, ended: AbortSignal): Promise<number> {
  let longest = 0;
  while (!ended.aborted) {
    const begin = performance.now();
    const response = await fetch(`${url}/healthz`);
    expect(response.status).toBe(200);
    longest = Math.max(longest, performance.now() - begin);
    await Bun.sleep(HEALTH_INTERVAL_MS);
  }
  return longest;
}
