import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { until } from "../service.ts";
import { type Namespace, openNamespace, STAND_IN } from "./cluster.ts";
import { startPostgres } from "./postgres.ts";
import { AT_ONCE, expectNoFailures, keysSecret, type Release, releaseOf } from "./release.ts";

/** Where a kubelet has a volume of its own to refresh, its part is in the time too. */
const LIMIT_MS = STAND_IN ? 2_000 : 30_000;
/** In a row, each over a new connection: then all instances have answered. */
const ANSWERS = 24;

const REQUESTS = 300;
const FIRST = "a-partners-key-0123456789";
const SECOND = "a-partners-next-key-0123456789";

let namespace: Namespace;
let release: Release;

beforeAll(async () => {
  namespace = await openNamespace("secrets");
  const postgres = await startPostgres(namespace);
  await namespace.apply(keysSecret(line(FIRST)));
  await postgres.createDatabase("thimble");
  release = releaseOf(namespace, "thimble", {
    auth: { keysKey: "keys" },
    database: { kind: "postgresql", existingSecret: "thimble" },
    replicaCount: 3,
    ...AT_ONCE,
  });
  await release.install();
});

afterAll(() => namespace.remove());

function line(key: string): string {
  return `partner process sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/** Resolves when every instance answers a call with this key so; with the time it took. */
async function answered(key: string, status: number): Promise<number> {
  const startedAt = performance.now();
  const headers = { "X-API-Key": key, "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: '{"action":"echo"}' };
  for (let row = 0; row < ANSWERS; ) {
    const response = await release.fetch("/api/v1/process", init);
    row = response.status === status ? row + 1 : 0;
    if (performance.now() - startedAt <= LIMIT_MS) continue;
    throw new Error(`after ${LIMIT_MS} ms the answer is ${response.status} and not yet ${status}`);
  }
  return performance.now() - startedAt;
}

/** Replaces the Secret. A changed pod has its volumes refreshed at once; else a kubelet may take a minute. */
async function setKeys(keys: string): Promise<void> {
  await namespace.apply(keysSecret(keys));
  await namespace.kubectl(
    "annotate",
    "pods",
    "--all",
    "--overwrite",
    `seen=${crypto.randomUUID()}`,
  );
}

test("a new Secret is used at once by every instance, without a restart or a failed request", async () => {
  const before = await release.pods();
  const { load, finish } = await release.load(100);
  await Promise.all([answered(FIRST, 200), answered(SECOND, 401)]);
  await setKeys(line(SECOND));
  const times = await Promise.all([answered(SECOND, 200), answered(FIRST, 401)]);
  console.log(`every instance used it after ${(Math.max(...times) / 1000).toFixed(2)} s`);
  await until("some load after it", () => load.answered >= REQUESTS);
  await finish();
  expectNoFailures(load);
  expect(await release.pods()).toEqual(before);
});
