import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { tagOf } from "../container/images.ts";
import { buildStandIn } from "../container/stand-ins.ts";
import { addEntry, PATH } from "../container/writers.ts";
import { freePort } from "../free-port.ts";
import { jsonLines, until } from "../service.ts";
import { engineAt } from "./engine.ts";
import { migratingRelease, nextRelease } from "./releases.ts";
import { keyLine, openStack } from "./stack.ts";

const PASSWORD = "a-password-of-tests";
/** Longer than Swarm needs to end a task whose health check fails. */
const PAUSE_MS = 40_000;
const RECOVERY_MS = 10_000;
const LIMIT_MS = 60_000;

const engine = engineAt();
const stack = openStack(engine, { port: await freePort() });
const { docker } = engine;

async function firstContainer(service: string): Promise<string> {
  const [id = ""] = await stack.containers(service);
  return id;
}

/** An update that succeeds: no client notices. */
async function expectUpdated(env: Record<string, string> = {}): Promise<void> {
  const { result, failures } = await stack.underLoad(() => stack.deploy(env));
  expect(failures).toEqual([]);
  expect(result.output).toContain("Thimble runs");
  expect(result.status).toBe(0);
}

/** An update that is rolled back: no client notices, and the release before runs. */
async function expectRolledBack(says: RegExp, env: Record<string, string> = {}): Promise<void> {
  const { result, failures } = await stack.underLoad(() => stack.deploy(env));
  expect(failures).toEqual([]);
  expect(result.output).toMatch(/rollback completed/);
  expect(result.output).toMatch(says);
  expect(result.status).toBe(1);
  const images = (await stack.running("api")).map(({ image }) => image);
  expect(images).toEqual(Array(3).fill(tagOf("standard")));
}

/** What an orchestrator needs of the release that runs: that it can start again. */
async function expectStartsAgain(): Promise<void> {
  const before = (await stack.running("api")).map(({ id }) => id);
  await docker("kill", await firstContainer("api"));
  await until(
    "another task takes its place",
    async () => {
      const now = (await stack.running("api")).map(({ id }) => id);
      return now.length === 3 && now.some((id) => !before.includes(id));
    },
    LIMIT_MS,
  );
  await docker("service", "scale", "--detach", `${stack.nameOf("api")}=4`);
  await stack.runs("api", 4);
  await docker("service", "scale", "--detach", `${stack.nameOf("api")}=3`);
  await stack.runs("api", 3);
}

beforeAll(async () => {
  const [node = ""] = await engine.list("node", "ls", "--quiet");
  const labels = ["thimble.database", "thimble.proxy"].map((each) => `--label-add=${each}=true`);
  await docker("node", "update", ...labels, node);
  await buildStandIn("caddy");
  const { output, status } = await stack.deploy();
  expect(output).toContain(`Thimble runs ${tagOf("standard")}`);
  expect(status).toBe(0);
});

afterEach(() => stack.expectEverything());

test("after a deployment, three tasks are ready", async () => {
  expect(await stack.running("api")).toHaveLength(3);
  expect((await stack.fetch("/ready")).status).toBe(200);
  expect(await addEntry(stack.service, "The first")).toBeNumber();
});

describe("the containers", () => {
  const inspect = async (service: string) =>
    JSON.parse(await docker("inspect", await firstContainer(service)))[0];

  for (const service of ["api", "backup", "proxy"]) {
    test(`of ${service} have few rights, and limits`, async () => {
      const { HostConfig } = await inspect(service);
      expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ["ALL"] });
      expect(HostConfig.Memory).toBeGreaterThan(0);
      expect(HostConfig.PidsLimit).toBeGreaterThan(0);
    });
  }

  test("have secrets in files, and in no environment", async () => {
    for (const service of ["api", "backup", "db"]) {
      const { State } = await inspect(service);
      const environment = await Bun.file(`/proc/${State.Pid}/environ`).text();
      expect(environment).toContain("PATH=");
      expect(environment).not.toContain(PASSWORD);
    }
  });

  test("of the service leave no volumes", async () => {
    const { Mounts } = await inspect("api");
    const types = (Mounts as { Type: string }[]).map(({ Type }) => Type);
    expect(types).not.toContain("volume");
  });

  test("of the database have enough shared memory", async () => {
    const [, size] = await engine.list(
      ...["exec", await firstContainer("db"), "df", "--output=size", "/dev/shm"],
    );
    expect(Number(size)).toBe(128 * 1024);
  });
});

test("the service sees the addresses of clients, not that of the proxy", async () => {
  const id = crypto.randomUUID();
  await stack.fetch(PATH, { headers: { "X-Request-Id": id } });
  // This machine, as the containers of a swarm see it.
  const gateway = "{{(index .IPAM.Config 0).Gateway}}";
  const client_address = await docker(
    "network",
    "inspect",
    `--format=${gateway}`,
    "docker_gwbridge",
  );
  const logs = (await stack.containers("api")).map(async (container) =>
    jsonLines(`${await docker("logs", container)}\n`),
  );
  const line = (await Promise.all(logs)).flat().find((each) => each.request_id === id);
  expect(line).toMatchObject({ client_address });
});

test("a new release under load fails no request, and neither does the way back", async () => {
  for (const image of [await nextRelease(), tagOf("standard")]) {
    await expectUpdated({ THIMBLE_IMAGE: image });
    const images = (await stack.running("api")).map((task) => task.image);
    expect(images).toEqual([image, image, image]);
  }
});

describe("without failed requests, an update is rolled back", () => {
  test("whose configuration is wrong, and says so", () =>
    expectRolledBack(/RATE_LIMIT/, { RATE_LIMIT: "often" }));

  test("whose image does not exist", () =>
    expectRolledBack(/No such image/, { THIMBLE_IMAGE: tagOf("foreign") }));

  test("whose password of the database is wrong", async () => {
    stack.setSecret("db_password", "another-password");
    try {
      await expectRolledBack(/health check failed\n.+\n.+password authentication failed/);
    } finally {
      stack.setSecret("db_password", PASSWORD);
    }
  });

  test("and the release before can still start", expectStartsAgain);
});

describe("secrets", () => {
  const versions = async (name: string) => {
    const names = await engine.list("secret", "ls", "--format={{.Name}}");
    return names.filter((each) => each.startsWith(stack.nameOf(name)));
  };

  test("change by version, without a failed request", async () => {
    const [old, fresh] = ["0123456789abcdef-swarm", "0123456789abcdef-fresh"];
    stack.setSecret("api_keys", keyLine("tests", old) + keyLine("fresh", fresh));
    await expectUpdated();
    for (const apiKey of [old, fresh]) {
      expect(await addEntry({ ...stack.service, apiKey }, "With either key")).toBeNumber();
    }
  });

  test("of the database change without a restart of it", async () => {
    const database = async () => (await stack.running("db")).map(({ id }) => id);
    const before = await database();
    const alter = `ALTER ROLE "thimble" PASSWORD 'a-changed-password'`;
    const psql = ["psql", "--username=thimble", `--command=${alter}`];
    await docker("exec", await firstContainer("db"), ...psql);
    stack.setSecret("db_password", "a-changed-password");
    const { status, output } = await stack.deploy();
    expect(output).toContain("Thimble runs");
    expect(status).toBe(0);
    expect(await database()).toEqual(before);
    expect(await addEntry(stack.service, "With the new password")).toBeNumber();
  });

  test("that nothing uses any more are gone", async () => {
    expect(await versions("db_password")).toHaveLength(2);
    expect(await versions("api_keys")).toHaveLength(1);
    expect(await versions("first_db_password")).toHaveLength(1);
  });
});

test("a database that hangs ends no task", async () => {
  const entries = () => stack.fetch(`${PATH}?limit=1`);
  const ids = async () => (await stack.running("api")).map(({ id }) => id);
  const before = await ids();
  const db = await firstContainer("db");
  await docker("pause", db);
  try {
    const end = performance.now() + PAUSE_MS;
    while (performance.now() < end) {
      expect((await stack.fetch("/healthz")).status).toBe(200);
      const { status, headers } = await entries();
      expect({ status, retry: headers.has("Retry-After") }).toEqual({ status: 503, retry: true });
    }
    expect(await ids()).toEqual(before);
  } finally {
    await docker("unpause", db);
  }
  await until("entries are read again", async () => (await entries()).ok, RECOVERY_MS);
});

test("a release that migrates and crashes is rolled back, and the one before can still start", async () => {
  await expectRolledBack(/non-zero exit \(70\)/, { THIMBLE_IMAGE: await migratingRelease() });
  await expectStartsAgain();
});
