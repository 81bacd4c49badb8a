import { afterAll, beforeAll, expect, test } from "bun:test";
import { addEntry, PATH } from "../container/writers.ts";
import { eventually, type Namespace, openNamespace, STAND_IN } from "./cluster.ts";
import { expectDone, keysSecret, type Release, releaseOf } from "./release.ts";

/** A real cluster's parts take their time to notice, and to mount the volume. */
const LONGEST_GAP_MS = STAND_IN ? 3_000 : 15_000;
const ASK_LIMIT_MS = 1_000;

let namespace: Namespace;
let release: Release;

beforeAll(async () => {
  namespace = await openNamespace("sqlite");
  await namespace.apply(keysSecret());
  // Storage of kind knows no other.
  const persistence = { accessMode: "ReadWriteOnce" };
  release = releaseOf(namespace, "thimble", { database: { kind: "sqlite" }, persistence });
  await release.install();
});

afterAll(() => namespace.remove());

/** Adds entries one after the other; `finish` says which were acknowledged, and the longest time without one. */
function startWriter() {
  const added = new Map<number, string>();
  const service = {
    apiKey: release.apiKey,
    fetch: (path: string, init?: RequestInit) =>
      release.fetch(path, { ...init, signal: AbortSignal.timeout(ASK_LIMIT_MS) }),
  };
  let isOver = false;
  async function write(): Promise<number> {
    let [longest, last] = [0, performance.now()];
    for (let count = 0; !isOver; count += 1) {
      const label = `Entry ${count}`;
      const id = await addEntry(service, label);
      if (id === undefined) {
        await Bun.sleep(20);
        continue;
      }
      added.set(id, label);
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }
    return longest;
  }
  const writing = write();
  return {
    added,
    finish: async () => {
      const before = added.size;
      await eventually("it answers again", async () => added.size > before);
      isOver = true;
      return await writing;
    },
  };
}

test("entries in SQLite outlive an update, which takes the service away for a moment only", async () => {
  const writer = startWriter();
  const [before] = await release.pods();
  await expectDone(
    release.upgrade({ podAnnotations: { seen: "twice" } }, "--wait", "--timeout=60s"),
  );
  const [after] = await release.pods();
  expect(after?.readySince).toBeDefined();
  expect(after?.readySince).not.toBe(before?.readySince);
  const gap = await writer.finish();
  console.log(`not available for ${(gap / 1000).toFixed(1)} s`);
  expect(gap).toBeLessThan(LONGEST_GAP_MS);
  await release.expectEntries(writer.added);
});

test("an update that cannot start is rolled back, and no entry is lost", async () => {
  const writer = startWriter();
  const upgrade = ["--rollback-on-failure", "--timeout=10s"];
  const { status, output } = await release.upgrade({ env: { LOG_LEVEL: "loud" } }, ...upgrade);
  expect(status, output).toBe(1);
  await writer.finish();
  expect((await release.fetch(PATH)).status).toBe(200);
  await release.expectEntries(writer.added);
});

test("entries in SQLite outlive the release, and a new one has them", async () => {
  const id = (await addEntry(release, "Stays")) ?? 0;
  await expectDone(namespace.helm("uninstall", release.name, "--wait", "--timeout=60s"));
  const again = releaseOf(namespace, "thimble", {
    database: { kind: "sqlite" },
    persistence: { accessMode: "ReadWriteOnce" },
  });
  await again.install();
  await again.expectEntries(new Map([[id, "Stays"]]));
});
