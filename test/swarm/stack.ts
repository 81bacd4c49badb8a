import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../container/checkout.ts";
import { RUN, tagOf } from "../container/images.ts";
import { entryWith, expectEntries, PATH, type Service } from "../container/writers.ts";
import { startLoad } from "../load.ts";
import { newDirectory, until } from "../service.ts";
import type { Engine } from "./engine.ts";

const SCRIPT = join(import.meta.dir, "../../scripts/swarm/main.ts");
const API_KEY = "0123456789abcdef-swarm";
const LIMIT_MS = 120_000;
const REQUESTS_PER_SECOND = 150;
/** Those that look at the end whether every entry is there. */
const READERS = 8;
/** Two seconds of requests before and after each change. */
const CALM = 2 * REQUESTS_PER_SECOND;

/** What only tests need: a plain port of this machine, no limits, and a release that is given up sooner. */
const SETTINGS = {
  STACK: RUN,
  SITE_ADDRESS: "http://localhost",
  RATE_LIMIT: "off",
  AUTH_FAILURE_LIMIT: "off",
  // Any that is free.
  PROXY_HTTPS_PORT: "0",
  START_PERIOD: "10s",
  WAIT_SECONDS: "240",
};

type Ports = { port: number; published?: string };

export type Stack = ReturnType<typeof openStack>;
export type Task = { id: string; image: string; node: string };

/**
 * The stack of deploy/swarm, on the swarm that this engine manages; `deploy` makes it.
 *
 * @param ports the proxy's `published` port in its node, and the one of this machine that leads there.
 */
export function openStack(engine: Engine, { port, published = `${port}` }: Ports) {
  const directory = newDirectory();
  const secrets = join(directory, "secrets");
  mkdirSync(secrets);
  const override = join(directory, "override.yml");
  writeFileSync(override, `services: { proxy: { image: "${tagOf("caddy")}" } }\n`);
  const setSecret = (name: string, content: string) => writeFileSync(join(secrets, name), content);
  setSecret("api_keys", keyLine("tests", API_KEY));
  setSecret("db_password", "a-password-of-tests");

  const ask = (path: string, init?: RequestInit) => fetch(`http://localhost:${port}${path}`, init);
  const service: Service = { apiKey: API_KEY, fetch: ask };
  /** Labels of every entry that was acknowledged, by id. */
  const acknowledged = new Map<number, string>();
  const nameOf = (name: string) => `${RUN}_${name}`;

  /** The tasks of a service that run and are healthy. */
  async function running(name: string): Promise<Task[]> {
    const format = "--format={{.ID}}|{{.Image}}|{{.Node}}|{{.CurrentState}}";
    const wanted = ["--no-trunc", "--filter=desired-state=running", format, nameOf(name)];
    const lines = await engine.list("service", "ps", ...wanted);
    return lines
      .map((line) => line.split("|"))
      .filter(([, , , state]) => state?.startsWith("Running "))
      .map(([id = "", image = "", node = ""]) => ({ id, image, node }));
  }

  return {
    engine,
    service,
    setSecret,
    running,
    nameOf,
    fetch: ask,
    /** `npm run swarm`, with what this deployment says differently. */
    deploy: (env: Record<string, string> = {}) =>
      run(
        directory,
        [process.execPath, SCRIPT, "--resolve-image=never", `--compose-file=${override}`],
        {
          ...SETTINGS,
          SECRETS_DIRECTORY: secrets,
          PROXY_HTTP_PORT: published,
          THIMBLE_IMAGE: tagOf("standard"),
          ...engine.env,
          ...env,
        },
      ),
    runs: (name: string, count: number) =>
      until(
        `${name} has ${count} tasks`,
        async () => (await running(name)).length === count,
        LIMIT_MS,
      ),
    /** The containers of a service on this engine's own node. */
    containers: (name: string) =>
      engine.list("ps", "--quiet", `--filter=label=com.docker.swarm.service.name=${nameOf(name)}`),
    /**
     * Changes something while clients read and write at a constant rate.
     *
     * @returns what the change did, and what clients got.
     */
    underLoad: async <T>(change: () => Promise<T>) => {
      const writes = { path: PATH, apiKey: API_KEY, entry: entryWith };
      const reads = [`${PATH}?limit=2`, "/healthz", "/health"];
      const startedAt = performance.now();
      const { load, finish } = startLoad({ port, perSecond: REQUESTS_PER_SECOND, reads, writes });
      await until("requests", () => load.sent >= CALM, LIMIT_MS);
      const result = await change();
      const sent = load.sent;
      await until("requests after it", () => load.sent >= sent + CALM, LIMIT_MS);
      const { failures, added } = await finish();
      for (const [id, label] of added) acknowledged.set(id, label);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
      console.log(`${failures.length} of ${load.sent} requests failed in ${seconds} s`);
      return { result, failures };
    },
    /** No acknowledged entry is lost. */
    expectEverything: async () => {
      const entries = [...acknowledged];
      const size = Math.ceil(entries.length / READERS);
      const parts = Array.from({ length: READERS }, (_, part) =>
        entries.slice(part * size, (part + 1) * size),
      );
      await Promise.all(parts.map((part) => expectEntries(service, new Map(part))));
    },
  };
}

/** A line of the file with keys, for a key that may do everything. */
export function keyLine(name: string, key: string): string {
  const digest = new Bun.CryptoHasher("sha256").update(key).digest("hex");
  return `${name} admin sha256:${digest}\n`;
}
