import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, until } from "../service.ts";
import { type Namespace, openNamespace, STAND_IN } from "./cluster.ts";
import { type PostgresPod, startPostgres } from "./postgres.ts";
import { AT_ONCE, expectDone, expectNoFailures, keysSecret, releaseOf } from "./release.ts";

const PER_SECOND = 250;
const REQUESTS = 10_000;

type MigrateJob = { status: { completionTime: string } };

let namespace: Namespace;
let postgres: PostgresPod;

beforeAll(async () => {
  namespace = await openNamespace("releases");
  postgres = await startPostgres(namespace);
  await namespace.apply(keysSecret());
  await postgres.createDatabase("thimble");
});

afterAll(() => namespace.remove());

test("a release is installed, tested, updated and rolled back under load, and removed", async () => {
  const { helm } = namespace;
  const release = releaseOf(namespace, "thimble", {
    database: { kind: "postgresql", existingSecret: "thimble" },
    migrations: { mode: "job" },
    replicaCount: 3,
  });
  await release.install();
  expect(await expectDone(helm("test", release.name))).toContain("Phase:          Succeeded");
  const before = await release.pods();
  expect(before).toHaveLength(3);

  const { load, finish } = await release.load(PER_SECOND);
  await eventually("the load", () => load.answered >= PER_SECOND || undefined);
  await expectDone(release.upgrade({ image: { tag: "next" } }, "--wait", "--timeout=120s"));
  const after = await release.pods();
  expect(after).toHaveLength(3);
  const isOld = ({ name }: { name: string }) => before.some((old) => old.name === name);
  expect(after.filter(isOld)).toEqual([]);
  const { status } = await namespace.get<MigrateJob>("job", "thimble-migrate");
  for (const { createdAt } of after) expect(createdAt >= status.completionTime).toBe(true);
  await expectDone(helm("rollback", release.name, "--wait", "--timeout=120s"));
  await eventually("all requests", () => load.sent >= REQUESTS || undefined, 60_000);
  await finish();
  console.log(`${load.failures.length} of ${load.sent} requests failed`);
  expectNoFailures(load);
  expect(load.added.size).toBeGreaterThan(1000);
  await release.expectEntries(load.added);

  await expectDone(helm("uninstall", release.name, "--wait", "--timeout=90s"));
  await namespace.kubectl("delete", "job", "thimble-migrate");
  const kinds = "pods,deployments,services,jobs,poddisruptionbudgets,networkpolicies";
  const rest = ["--selector=app.kubernetes.io/instance=thimble", "--output=name"];
  const isGone = async () => (await namespace.kubectl("get", kinds, ...rest)) === "";
  await until("nothing is left of it", isGone, 30_000);
});

// Only the stand-in writes down what its clients ask for.
test.skipIf(!STAND_IN)("the Job that migrates comes before the new release", () => {
  const changes = readFileSync(join(STAND_IN ?? "", "audit.log"), "utf8").split("\n");
  const own = changes.filter((line) => line.includes(` ${namespace.name}/thimble`));
  const kinds = own.map((line) => /^PATCH (Job|Deployment) /.exec(line)?.[1]).filter(Boolean);
  const rollback = "Deployment";
  expect(kinds).toEqual(["Job", "Deployment", "Job", "Deployment", rollback]);
});

// A real cluster may take an instance out of the Service before a request reaches it.
test.skipIf(!STAND_IN)("nothing is hidden: if an instance is killed, requests fail", async () => {
  const release = releaseOf(namespace, "thimble-killed", {
    database: { kind: "postgresql", existingSecret: "thimble" },
    ...AT_ONCE,
  });
  await release.install();
  const { load, finish } = await release.load(PER_SECOND);
  await eventually("the load", () => load.answered >= PER_SECOND || undefined);
  expectNoFailures(load);
  const [killed] = await release.pods();
  await namespace.kubectl("delete", "pod", killed?.name ?? "", "--force", "--grace-period=0");
  await eventually("a failure", () => load.failures.length > 0 || undefined);
  await finish();
});
