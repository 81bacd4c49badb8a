import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker } from "../../scripts/docker.ts";
import { digestOf } from "../../scripts/registry.ts";
import { openRunner, type Runner } from "../workflow-commands.ts";
import { until } from "./container.ts";
import { RUN, TARGETS, type Target, tagOf } from "./images.ts";

const REGISTRY = `FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends docker-registry
RUN printf '%s\\n' 'version: 0.1' 'storage: { inmemory: {} }' 'http: { addr: ":5000" }' > /registry.yml
CMD ["docker-registry", "serve", "/registry.yml"]
`;

let registry: string;
let address: string;
let runner: Runner;
const digests = new Map<Target, string>();

/** The engine's own `docker`, for which GitHub's registry is the one of this test. */
function dockerStub(): string {
  const rename = `arguments="$arguments '$(echo "$each" | sed s,ghcr.io,${address},g)'"`;
  return `for each in "$@"; do ${rename}; done; eval exec '${Bun.which("docker")}' $arguments`;
}

async function startRegistry(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "thimble-registry-"));
  writeFileSync(join(directory, "Dockerfile"), REGISTRY);
  await docker("build", "--quiet", `--tag=${tagOf("registry")}`, directory);
  rmSync(directory, { recursive: true });
  const publish = ["--detach", `--label=${RUN}`, "--publish=127.0.0.1::5000"];
  registry = await docker("run", ...publish, tagOf("registry"));
  const port = (await docker("port", registry, "5000")).split(":").at(-1);
  address = `localhost:${port}`;
  await until("the registry answers", async () => (await fetch(`http://${address}/v2/`)).ok);
}

/** As the builds do: by digest, with a name that nobody is told. */
async function push(target: Target): Promise<string> {
  const name = `${address}/owner/thimble:pushed-${target}`;
  await docker("tag", tagOf(target), name);
  await docker("push", "--quiet", name);
  await docker("image", "rm", name);
  return await digestOf(name);
}

beforeAll(async () => {
  await startRegistry();
  for (const target of TARGETS) digests.set(target, await push(target));
  runner = openRunner({ docker: dockerStub(), cosign: "", gh: "" });
});

afterAll(async () => {
  await docker("rm", "--force", "--volumes", registry);
  runner.close();
});

const nameOf = (tag: string) => `${address}/owner/thimble:${tag}`;

async function publish(command: string, env: Record<string, string> = {}): Promise<string> {
  const { exitCode, stderr, stdout } = await runner.step(`bun scripts/publish.ts ${command}`, {
    TARGET: "tiny",
    ...env,
  });
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

/** This machine builds for its own architecture alone, so one of each index stands for another. */
async function index(target: Target): Promise<void> {
  const [first = "", second = ""] = digests.values();
  const TARGET = target;
  await publish('record "$TARGET" "$ARCHITECTURE"', {
    ...{ TARGET, ARCHITECTURE: "amd64", DIGEST: target === "tiny" ? second : first },
  });
  await publish('record "$TARGET" "$ARCHITECTURE"', {
    ...{ TARGET, ARCHITECTURE: "arm64", DIGEST: target === "tiny" ? first : second },
  });
  await publish('index "$TARGET"', { TARGET });
}

describe("to a registry", () => {
  test("each commit's index is published, of what was pushed, and nothing more", async () => {
    for (const target of TARGETS) await index(target);
    const published = await runner.read("published/tiny");
    expect(published).toBe(await digestOf(nameOf("sha-0123456789ab")));
    expect(published).not.toBe(await runner.read("published/standard"));
    await expect(digestOf(nameOf("latest"))).rejects.toThrow("not found");
  });

  test("what is published is pulled by digest, and answers, before a tag moves", async () => {
    expect(await publish('verify "$TARGET"')).toContain("is signed, attested and healthy");
    const pulled = `${address}/owner/thimble@${await runner.read("published/tiny")}`;
    await docker("image", "rm", pulled);
    await expect(digestOf(nameOf("latest"))).rejects.toThrow("not found");
  });

  test("all tags move to the digest that was verified", async () => {
    await publish("promote");
    await publish("promote", { GITHUB_REF: "refs/tags/v1.2.3" });
    for (const [target, tags] of [
      ["tiny", ["main", "latest", "1.2.3", "1.2", "1"]],
      ["standard", ["main-standard", "latest-standard", "1.2.3-standard", "1-standard"]],
    ] as const) {
      const digest = await runner.read(`published/${target}`);
      for (const tag of tags) expect(await digestOf(nameOf(tag))).toBe(digest);
    }
  });

  test("an index of what was never pushed is refused", async () => {
    const DIGEST = `sha256:${"0".repeat(64)}`;
    await publish('record "$TARGET" "$ARCHITECTURE"', { ARCHITECTURE: "arm64", DIGEST });
    await expect(publish('index "$TARGET"')).rejects.toThrow("docker buildx failed: ");
  });
});
