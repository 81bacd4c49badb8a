import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Namespace, openNamespace } from "./cluster.ts";
import { databaseSecret, startPostgres } from "./postgres.ts";
import { AT_ONCE, expectNoFailures, keysSecret, releaseOf, type Values } from "./release.ts";

const PER_SECOND = 50;

/** An address of no machine (RFC 5737): it is only used after the migrations. */
const NOBODY = "192.0.2.1";

/** What makes an upgrade fail. */
const BROKEN: Readonly<Record<string, Values>> = {
  configuration: { env: { LOG_LEVEL: "loud" } },
  image: { image: { tag: "absent" } },
  password: { database: { existingSecret: "wrong-password" } },
  migrated: { image: { tag: "next" }, host: NOBODY },
};

const SAYS = {
  configuration: "a wrong configuration",
  image: "an image that is not there",
  password: "a wrong password of the database",
  migrated: "a release that migrates and then ends",
};

let namespace: Namespace;

beforeAll(async () => {
  namespace = await openNamespace("rollback");
  const postgres = await startPostgres(namespace);
  const wrong = { database: "password", password: "wrong" };
  await namespace.apply(keysSecret(), databaseSecret("wrong-password", wrong));
  for (const database of Object.keys(BROKEN)) await postgres.createDatabase(database);
});

afterAll(() => namespace.remove());

for (const [name, what] of Object.entries(SAYS)) {
  test.concurrent(`${what} is rolled back, and no request fails`, async () => {
    const release = releaseOf(namespace, `thimble-${name}`, {
      database: { kind: "postgresql", existingSecret: name },
      ...AT_ONCE,
    });
    await release.install();
    const { load, finish } = await release.load(PER_SECOND);
    const upgrade = ["--rollback-on-failure", "--timeout=20s"];
    const { status, output } = await release.upgrade(BROKEN[name] ?? {}, ...upgrade);
    expect(status, output).toBe(1);
    expect((await release.history()).at(-1)).toMatchObject({
      status: "deployed",
      description: "Rollback to 1",
    });
    console.log(`${what}: ${load.failures.length} of ${load.sent} requests failed`);
    expectNoFailures(load);

    // What is left works as before: it replaces a pod that dies, and scales out.
    const [killed] = await release.pods();
    await namespace.kubectl("delete", "pod", killed?.name ?? "", "--force", "--grace-period=0");
    await release.rolledOut();
    await namespace.kubectl("scale", `deployment/${release.name}`, "--replicas=3");
    await release.rolledOut();
    const ready = (await release.pods()).filter(({ readySince }) => readySince);
    expect(ready).toHaveLength(3);

    await finish();
    expect(load.added.size).toBeGreaterThan(100);
    await release.expectEntries(load.added);
  });
}
