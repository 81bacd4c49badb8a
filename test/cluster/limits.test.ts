import { afterAll, beforeAll, expect, test } from "bun:test";
import { PATH } from "../container/writers.ts";
import { type Namespace, openNamespace } from "./cluster.ts";
import { startPostgres } from "./postgres.ts";
import { AT_ONCE, keysSecret, type Release, releaseOf } from "./release.ts";

const LIMIT = 600;
const PER_SECOND = 100;
const SECONDS = 12;

let namespace: Namespace;
let release: Release;

beforeAll(async () => {
  namespace = await openNamespace("limits");
  const postgres = await startPostgres(namespace);
  await namespace.apply(keysSecret());
  await postgres.createDatabase("thimble");
  release = releaseOf(namespace, "thimble", {
    database: { kind: "postgresql", existingSecret: "thimble" },
    rateLimit: { limit: `${LIMIT}/minute`, store: "database" },
    replicaCount: 3,
    ...AT_ONCE,
  });
  await release.install();
});

afterAll(() => namespace.remove());

test("three instances together let as much through as one would", async () => {
  const statuses: Promise<number>[] = [];
  const ask = async () => (await release.fetch(PATH)).status;
  for (let second = 0; second < SECONDS * PER_SECOND; second += 1) {
    statuses.push(ask());
    await Bun.sleep(1000 / PER_SECOND);
  }
  const all = await Promise.all(statuses);
  const passed = all.filter((status) => status === 200).length;
  console.log(`${passed} of ${all.length} requests were let through; the limit is ${LIMIT}`);
  expect(passed).toBeGreaterThanOrEqual(LIMIT);
  expect(passed).toBeLessThanOrEqual(LIMIT + PER_SECOND);
  expect(all.slice(-PER_SECOND)).toEqual(Array(PER_SECOND).fill(429));
});
