import { afterAll, beforeAll, expect, test } from "bun:test";
import { PATH } from "../container/writers.ts";
import { type Namespace, openNamespace } from "./cluster.ts";
import { type PostgresPod, startPostgres } from "./postgres.ts";
import {
  API_KEY,
  AT_ONCE,
  expectNoFailures,
  keysSecret,
  type Release,
  releaseOf,
} from "./release.ts";

const OUTAGE_MS = 40_000;
const RECOVERY_MS = 10_000;
const PAUSE_MS = 250;

let namespace: Namespace;
let postgres: PostgresPod;
let release: Release;

beforeAll(async () => {
  namespace = await openNamespace("outage");
  postgres = await startPostgres(namespace);
  await namespace.apply(keysSecret());
  await postgres.createDatabase("thimble");
  const database = { kind: "postgresql", existingSecret: "thimble" };
  release = releaseOf(namespace, "thimble", { database, ...AT_ONCE });
  await release.install();
});

afterAll(() => namespace.remove());

/** Asks again and again for a time, and collects what comes. */
async function collect<T>(milliseconds: number, ask: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const end = Date.now() + milliseconds; Date.now() < end; await Bun.sleep(PAUSE_MS)) {
    results.push(await ask());
  }
  return results;
}

async function runAction(): Promise<number> {
  const headers = { "X-API-Key": API_KEY, "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: '{"action":"echo"}' };
  return (await release.fetch("/api/v1/process", init)).status;
}

async function read(): Promise<string> {
  const { status, headers } = await release.fetch(PATH);
  const [type] = headers.get("content-type")?.split(";") ?? [];
  return `${status} ${type}, Retry-After ${headers.has("retry-after")}`;
}

test("while the database does not answer, all else works; then the service recovers by itself", async () => {
  const before = await release.pods();
  const { load, finish } = await release.load(20);
  await Bun.sleep(1000);
  await finish();
  expectNoFailures(load);

  await postgres.pause();
  const [actions, pages, reads] = await Promise.all([
    collect(OUTAGE_MS, runAction),
    collect(OUTAGE_MS, async () => (await release.fetch("/")).status),
    collect(OUTAGE_MS, read),
  ]);
  await postgres.resume();
  const resumed = Date.now();
  while ((await release.fetch(PATH)).status !== 200) {
    expect(Date.now() - resumed).toBeLessThan(RECOVERY_MS);
    await Bun.sleep(PAUSE_MS);
  }
  console.log(`it recovered after ${((Date.now() - resumed) / 1000).toFixed(1)} s`);

  expect(new Set(actions)).toEqual(new Set([200]));
  expect(new Set(pages)).toEqual(new Set([200]));
  expect(new Set(reads)).toEqual(new Set(["503 application/problem+json, Retry-After true"]));
  // None was restarted, and none was not ready in between.
  expect(await release.pods()).toEqual(before);
  await release.expectEntries(load.added);
});
