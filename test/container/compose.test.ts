import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { TARGETS } from "../../scripts/release/tags.ts";
import { docker } from "../../scripts/shell/commands.ts";
import { parseConfig } from "../../src/config/config.ts";
import { httpContract } from "../http.contract.ts";
import { type Deployment, deploy, inspectEverything } from "./compose.ts";
import { type Container, until } from "./container.ts";
import { RUN, tagOf } from "./images.ts";
import { buildStandIn } from "./stand-ins.ts";
import {
  addEntry,
  expectEntries,
  PATH,
  RESOURCE,
  type Service,
  writeUntilRefused,
} from "./writers.ts";

let deployment: Deployment;
let api: Container;
let db: Container;
let apiKey: string;
let service: Service;

/** Starts what is not up yet, and returns a handle: containers and ports change with each `up`. */
async function up(target: string): Promise<string> {
  const { status, output } = await deployment.up(target);
  expect(output).toContain("Thimble answers on");
  expect(status).toBe(0);
  api = await deployment.container("api");
  db = await deployment.container("db");
  [apiKey = ""] = await deployment.secrets();
  service = { apiKey, fetch: api.fetch };
  return output;
}

/** Lets the deployment use an image that is built here instead of one that cannot be pulled. */
async function standIn(name: "caddy" | "prometheus", override: string) {
  await buildStandIn(name);
  writeFileSync(deployment.checkout.path("compose.override.yml"), override);
}

beforeAll(() => {
  deployment = deploy();
});

afterAll(() => deployment.remove());

test("plain Compose starts it in a new clone, and says how to read the API key", async () => {
  const { status, output } = await deployment.compose("up", "--build", "--detach", "--wait");
  expect(status, output).toBe(0);
  const { output: log } = await deployment.compose("logs", "--no-log-prefix", "secrets");
  expect(log).toContain("The API key: docker compose run --rm secrets show api_key");
  const [key] = await deployment.secrets();
  const { fetch } = await deployment.container("api");
  const response = await fetch("/api/v1/process", {
    method: "POST",
    headers: { "X-API-Key": key ?? "", "Content-Type": "application/json" },
    body: '{"action":"echo"}',
  });
  expect(response.status).toBe(200);
});

for (const target of TARGETS) {
  describe(`bun run up, ${target}`, () => {
    let output: string;

    beforeAll(async () => {
      output = await up(target);
    });

    test("prints the URL and how to read the key, not the key", async () => {
      const url = /Thimble answers on (http:\S+)/.exec(output)?.[1];
      expect((await fetch(`${url}/ready`)).status).toBe(200);
      expect(output).toContain("KEY=$(docker compose run --rm secrets show api_key)");
      expect(output).not.toContain(apiKey);
    });

    httpContract(
      `${target} on Compose's PostgreSQL`,
      async () => ({ baseUrl: await api.url(), apiKey, fetch }),
      { "one that another API key has used is free": "Compose's service has one API key" },
    );

    test("a health check fails while the database is paused, and passes again", async () => {
      await api.healthIs("healthy");
      await docker("pause", db.id);
      await api.healthIs("unhealthy");
      await docker("unpause", db.id);
      await api.healthIs("healthy");
    });

    test("no acknowledged entry is lost when the service is killed while it writes", async () => {
      const entries = await writeUntilRefused(service, 100, () => api.signal("KILL"));
      expect(entries.size).toBeGreaterThanOrEqual(100);
      await api.start();
      await api.answering();
      await expectEntries(service, entries);
    });

    test("no acknowledged entry is lost when the database is killed while it writes", async () => {
      const entries = await writeUntilRefused(service, 100, () => db.signal("KILL"));
      expect(entries.size).toBeGreaterThanOrEqual(100);
      await db.start();
      await api.answering();
      await expectEntries(service, entries);
    });
  });
}

describe("secrets", () => {
  beforeAll(async () => {
    await up("tiny");
  });

  const secretsTool = (input: string, ...args: string[]) =>
    deployment.checkout.run(
      [
        "sh",
        "-c",
        `printf '%s' "$1" | docker compose run --rm --no-TTY secrets "$2" "$3"`,
        "sh",
      ].concat(input, args),
      { COMPOSE_PROJECT_NAME: RUN },
    );

  test("are long, random, and the same after another up", async () => {
    const before = await deployment.secrets();
    for (const secret of before) expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(before[0]).not.toBe(before[1]);
    await up("tiny");
    expect(await deployment.secrets()).toEqual(before);
  });

  test("are in no output of Docker, and in no log", async () => {
    const { output: logs } = await deployment.compose("logs", "--no-color");
    expect(logs).toContain("listening");
    const told = (await inspectEverything()) + logs;
    for (const secret of await deployment.secrets()) expect(told).not.toContain(secret);
  });

  test("are in no environment variable of a process", async () => {
    for (const { id } of [api, db]) {
      const pid = await docker("inspect", "--format={{.State.Pid}}", id);
      const environment = await Bun.file(`/proc/${pid}/environ`).text();
      expect(environment).toContain("PATH=");
      for (const secret of await deployment.secrets()) expect(environment).not.toContain(secret);
    }
  });

  test("a lost password is not replaced while a database was made with it", async () => {
    const remove = ["run", "--rm", "--no-TTY", "--entrypoint=rm", "secrets"];
    const [, password = ""] = await deployment.secrets();
    await deployment.compose(...remove, "/secrets/postgres_password/postgres_password");
    const { status, output } = await deployment.compose("run", "--rm", "--no-TTY", "secrets");
    expect(output).toContain("secrets: the database was made with a password that is missing here");
    expect(status).toBe(78);
    expect((await secretsTool(password, "set", "postgres_password")).status).toBe(0);
    await up("tiny");
  });

  test("the database has no API key", async () => {
    const list = await deployment.compose("exec", "-T", "db", "find", "/run", "-name", "api_key");
    expect(list).toEqual({ status: 0, output: "" });
  });

  test("a new API key is valid without a restart, and the old one no longer", async () => {
    const before = apiKey;
    const { status, output } = await secretsTool("a-key-of-my-own-0123456789", "set", "api_key");
    expect(status, output).toBe(0);
    [apiKey = ""] = await deployment.secrets();
    expect(apiKey).toBe("a-key-of-my-own-0123456789");
    service = { apiKey, fetch: api.fetch };
    await until("the new key is valid", async () => (await addEntry(service, "New")) !== undefined);
    expect(await addEntry({ ...service, apiKey: before }, "With the old key")).toBeUndefined();
  });

  for (const [what, input, args, says] of [
    ["an empty secret", "", ["set", "api_key"], "secrets: api_key cannot be empty"],
    ["a short key", "short", ["set", "api_key"], "api_key has 5 characters; it needs at least 16"],
    ["a key with a space", "0123456789 abcdef", ["set", "api_key"], "api_key has a space"],
    [
      "an unknown name",
      "x",
      ["set", "api-key"],
      "expected one of api_key postgres_password, received api-key",
    ],
    [
      "an unknown command",
      "x",
      ["get", "api_key"],
      "expected make, show NAME or set NAME, received get",
    ],
  ] as const) {
    test(`${what} is refused, and nothing changes`, async () => {
      const before = await deployment.secrets();
      const { status, output } = await secretsTool(input, ...args);
      expect(output).toContain(says);
      expect(status).not.toBe(0);
      expect(await deployment.secrets()).toEqual(before);
    });
  }
});

describe("the containers", () => {
  beforeAll(async () => {
    await up("tiny");
  });

  test("have few rights, and limits", async () => {
    const host = JSON.parse(await api.inspect("{{json .HostConfig}}"));
    expect(host).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      RestartPolicy: { Name: "unless-stopped" },
    });
    expect(host.Memory).toBeGreaterThan(0);
    expect(host.PidsLimit).toBeGreaterThan(0);
  });

  test("the service has more time to stop than it needs at most", async () => {
    const { drainDelaySeconds, drainTimeoutSeconds } = parseConfig({
      ENVIRONMENT: "production",
      API_KEY: "0123456789abcdef",
    });
    // The metrics' port and the store have 5 s each, spans and log 2 s each: docs/deployment.md.
    const closingSeconds = 14;
    expect(Number(await api.inspect("{{.Config.StopTimeout}}"))).toBeGreaterThan(
      drainDelaySeconds + drainTimeoutSeconds + closingSeconds,
    );
  });

  test("the database cannot be reached from outside, and cannot reach the outside", async () => {
    expect(await db.inspect("{{json .HostConfig.PortBindings}}")).toBe("{}");
    const networks = Object.keys(
      JSON.parse(await db.inspect("{{json .NetworkSettings.Networks}}")),
    );
    expect(networks).toHaveLength(1);
    const isInternal = docker("network", "inspect", "--format={{.Internal}}", ...networks);
    expect(await isInternal).toBe("true");
  });

  test("entries outlive down and up", async () => {
    const id = (await addEntry(service, "Outlives")) ?? 0;
    await deployment.compose("down");
    await up("standard");
    await expectEntries(service, new Map([[id, "Outlives"]]));
  });
});

describe("the backup profile", () => {
  let backup: Container;
  const backedUp = () => /"message":"backed up"/g;
  const runs = async () => (await backup.logs()).match(backedUp())?.length ?? 0;
  const restore = (...args: string[]) =>
    deployment.compose("run", "--rm", "--no-deps", "backup", "restore", ...args, "/data");

  async function everyEntry(): Promise<unknown[]> {
    const entries: unknown[] = [];
    for (let cursor = ""; ; ) {
      const page = await (await service.fetch(`${PATH}?limit=200${cursor}`)).json();
      entries.push(...page.items);
      if (page.next_cursor === null) return entries;
      cursor = `&cursor=${page.next_cursor}`;
    }
  }

  beforeAll(async () => {
    writeFileSync(deployment.checkout.path(".env"), "BACKUP_EVERY=1s\nBACKUP_KEEP=2\n");
    const { status, output } = await deployment.up("tiny", "backup");
    expect(output).toContain("Thimble answers on");
    expect(status).toBe(0);
    await up("tiny");
    backup = await deployment.container("backup");
  });

  test("has few rights, like the service, and limits", async () => {
    const host = JSON.parse(await backup.inspect("{{json .HostConfig}}"));
    expect(host).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      RestartPolicy: { Name: "unless-stopped" },
    });
    expect(host.Memory).toBeGreaterThan(0);
    expect(host.PidsLimit).toBeGreaterThan(0);
    const networks = JSON.parse(await backup.inspect("{{json .NetworkSettings.Networks}}"));
    expect(Object.keys(networks)).toEqual([expect.stringMatching(/_database$/)]);
  });

  test("keeps the newest backups, and the newest one restores the entries", async () => {
    expect(await addEntry(service, "Backed up")).toBeNumber();
    const entries = await everyEntry();
    const before = await runs();
    await until("it ran three times more", async () => (await runs()) >= before + 3);
    await deployment.compose("stop", "backup");
    expect(await backup.inspect("{{.State.ExitCode}}")).toBe("0");

    const refused = await restore();
    expect(refused.output).toMatch(/the database has [\d,]+ .+ already/);
    expect(refused.status).toBe(1);
    expect(await everyEntry()).toEqual(entries);

    const psql = [
      "exec",
      "-T",
      "db",
      "psql",
      "--username=thimble",
      `--command=DELETE FROM ${RESOURCE.name}`,
    ];
    expect((await deployment.compose(...psql)).status).toBe(0);
    expect(await everyEntry()).toEqual([]);
    const { output, status } = await restore();
    expect(output).toMatch(/Restored [\d,]+ .+ in .+ from \/data\/thimble-\d{8}T\d{6}Z\.db/);
    expect(status).toBe(0);
    expect(await everyEntry()).toEqual(entries);

    const volume = `--volume=${RUN}_backups:/backups:ro`;
    const image = await db.inspect("{{.Config.Image}}");
    const listed = await docker("run", "--rm", "--entrypoint=ls", volume, image, "/backups");
    expect(listed.split("\n")).toEqual([
      expect.stringMatching(/^thimble-\d{8}T\d{6}Z\.db$/),
      expect.stringMatching(/^thimble-\d{8}T\d{6}Z\.db$/),
    ]);
  });
});

describe("the profile observability", () => {
  /** Debian has no package of Grafana, so it is left out here. */
  const OVERRIDE = `services:
  prometheus:
    image: ${tagOf("prometheus")}
    ports: !override ["127.0.0.1::9090"]
  grafana:
    profiles: !override [never]
`;
  let url: string;

  beforeAll(async () => {
    await standIn("prometheus", OVERRIDE);
    const { status, output } = await deployment.up("standard", "observability", "--scale=api=2");
    expect(output).toContain("Thimble answers on");
    expect(status).toBe(0);
    const profile = "--profile=observability";
    const address = await deployment.compose(profile, "port", "prometheus", "9090");
    url = `http://${address.output.trim()}`;
  });

  afterAll(async () => {
    await deployment.compose("--profile=observability", "down");
    rmSync(deployment.checkout.path("compose.override.yml"));
  });

  const query = async (expression: string) => {
    const response = await fetch(
      `${url}/api/v1/query?${new URLSearchParams({ query: expression })}`,
    );
    const { data } = (await response.json()) as {
      data?: { result: { value: [number, string] }[] };
    };
    return data?.result.map(({ value }) => value[1]) ?? [];
  };

  test("reads every replica, with the key", async () => {
    await until("both replicas are read", async () =>
      Bun.deepEquals(await query('up{job="thimble"}'), ["1", "1"]),
    );
    expect(await query("thimble_database_up")).toEqual(["1", "1"]);
  });

  test("evaluates the rules", async () => {
    const response = await fetch(`${url}/api/v1/rules`);
    const { data } = (await response.json()) as {
      data: { groups: { name: string; rules: unknown[] }[] };
    };
    expect(data.groups.map(({ name }) => name)).toContain("thimble-objectives");
  });
});

describe("three replicas behind the proxy", () => {
  const PROXY = `services:
  proxy:
    image: ${tagOf("caddy")}
    ports: !override ["127.0.0.1::443"]
`;
  let url: string;

  beforeAll(async () => {
    await standIn("caddy", PROXY);
    const { status, output } = await deployment.up("standard", "proxy", "--scale=api=3");
    expect(output).toContain("Thimble answers on");
    expect(status).toBe(0);
    const address = await deployment.compose("--profile=proxy", "port", "proxy", "443");
    url = `https://localhost:${address.output.trim().split(":").at(-1)}`;
  });

  const ask = (path: string) => fetch(url + path, { tls: { rejectUnauthorized: false } });

  test("Caddy finds nothing wrong with its configuration", async () => {
    const { status, output } = await deployment.compose(
      ...["--profile=proxy", "exec", "proxy"],
      ...["caddy", "validate", "--config=/etc/caddy/Caddyfile"],
    );
    expect(output).toContain("Valid configuration");
    expect(output).not.toMatch(/"level":"(warn|error)"/);
    expect(status).toBe(0);
  });

  test("each takes its share of requests, over HTTPS", async () => {
    await until("the proxy answers", async () => (await ask("/ready")).ok);
    const { output } = await deployment.compose("ps", "--quiet", "api");
    const replicas = output.trim().split("\n");
    expect(replicas).toHaveLength(3);
    await until("each replica was asked", async () => {
      await Promise.all(Array.from({ length: 10 }, () => ask(PATH)));
      const logs = await Promise.all(replicas.map((id) => docker("logs", id)));
      return logs.every((log) => log.includes(`"path":"${PATH}"`));
    });
  });

  test("no request fails while a replica stops", async () => {
    const { output } = await deployment.compose("ps", "--quiet", "api");
    const [replica = ""] = output.trim().split("\n");
    let stopped = false;
    const stop = docker("stop", replica).finally(() => {
      stopped = true;
    });
    while (!stopped) expect((await ask(PATH)).status).toBe(200);
    await stop;
  });
});
