import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { basesOf } from "../../scripts/image/base-images.ts";
import { docker } from "../../scripts/shell/commands.ts";
import { tagOf } from "./images.ts";
import { openRegistry, type Registry } from "./registry.ts";

const directory = mkdtempSync(join(tmpdir(), "thimble-bases-"));
const dockerfile = join(directory, "Dockerfile");
let registry: Registry;
let base: string;

beforeAll(async () => {
  registry = await openRegistry();
  base = `${registry.address}/owner/base:1`;
  await docker("tag", tagOf("tiny"), base);
  await docker("push", "--quiet", base);
});

afterAll(async () => {
  await docker("image", "rm", base);
  await registry.close();
  rmSync(directory, { recursive: true });
});

const build = (env: Record<string, string> = {}) =>
  Bun.spawnSync(["docker", "build", "--quiet", `--tag=${tagOf("on-base")}`, directory], {
    env: { ...process.env, ...env },
  });

test("a base image gets the digest that it has in its registry, and builds with it", async () => {
  writeFileSync(dockerfile, `FROM ${base} AS base\nFROM base\nLABEL built=yes\n`);
  const command = [process.execPath, "scripts/image/base-images.ts", dockerfile];
  expect(Bun.spawnSync(command).exitCode).toBe(0);
  const [pinned] = basesOf(await Bun.file(dockerfile).text());
  const [pushed] = JSON.parse(
    await docker("image", "inspect", "--format={{json .RepoDigests}}", base),
  );
  expect(`${base.replace(/:1$/, "")}@${pinned?.digest}`).toBe(pushed);
  expect(build().exitCode).toBe(0);
});

test("a local image stands in for one by digest, as CONTRIBUTING.md describes", async () => {
  const digest = `sha256:${"1".repeat(64)}`;
  writeFileSync(dockerfile, `FROM ${base}@${digest}\nLABEL built=yes\n`);
  expect(build().exitCode).not.toBe(0);
  const contributing = await Bun.file("CONTRIBUTING.md").text();
  const [, policy = ""] = /^```json\n([\s\S]*?)```$/m.exec(contributing) ?? [];
  const file = join(directory, "policy.json");
  writeFileSync(file, policy.replaceAll(/docker\.io\/oven\/bun:[\d.]+-slim/g, base));
  const { exitCode, stderr } = build({ EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: file });
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
});
