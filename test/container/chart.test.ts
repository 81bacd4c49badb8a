/** The chart of a release, published to a real registry with the real Helm, and signed by a real cosign. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { digestOf } from "../../scripts/release/registry.ts";
import { HAS_TOOLS, NO_TOOLS, TOOLS } from "../helm/rendered.ts";
import { openRunner, type Runner } from "../workflow-commands.ts";
import {
  openRegistry,
  REGISTRY,
  type Registry,
  UNLOGGED_SIGNING,
  UNLOGGED_VERIFYING,
} from "./registry.ts";

const VERSION = "1.2.3";
const IMAGE_DIGEST = `sha256:${"a".repeat(64)}`;
const TAG = { GITHUB_REF: `refs/tags/v${VERSION}`, GITHUB_REF_NAME: `v${VERSION}` };

let registry: Registry;
let runner: Runner;

/** A program with the registry of this test in the place of GitHub's. */
function redirected(program: string, to: string, options = ""): string {
  const rename = `arguments="$arguments '$(echo "$each" | sed s,ghcr.io,${to},g)'"`;
  return `for each in "$@"; do ${rename}; done; eval exec ${program} $arguments ${options}`;
}

/** cosign, with a key in the place of an identity, which only Sigstore can give. */
function cosignStub(): string {
  const cosign = `'${Bun.which("docker")}' exec --env=COSIGN_PASSWORD= ${registry.signer} cosign`;
  return `
    case "$1" in
      verify) key="--key=release.pub ${UNLOGGED_VERIFYING.join(" ")}" ;;
      *) key="--key=release.key ${UNLOGGED_SIGNING.join(" ")}" ;;
    esac
    for each in "$@"; do case "$each" in --certificate-*) ;; *) kept="$kept $each" ;; esac; done
    set -- $kept $key
    ${redirected(cosign, REGISTRY)}`;
}

const HELM = () => `
  case "$1" in
    push|pull) ${redirected(TOOLS.helm, registry.address, "--plain-http")} ;;
    *) exec ${TOOLS.helm} "$@" ;;
  esac`;

async function step(command: string): Promise<string> {
  const run = `bun scripts/release/chart.ts ${command}`;
  const { exitCode, stderr, stdout } = await runner.step(run, TAG);
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

describe.skipIf(!HAS_TOOLS)(`a chart in a registry${NO_TOOLS}`, () => {
  beforeAll(async () => {
    registry = await openRegistry("release");
    const docker = redirected(`'${Bun.which("docker")}'`, registry.address);
    runner = openRunner({ docker, cosign: cosignStub(), helm: HELM(), gh: "exit 0" });
    await runner.release(VERSION);
    await runner.write("published/standard", IMAGE_DIGEST);
    await step("package");
  });

  afterAll(async () => {
    await registry?.close();
    runner?.close();
  });

  const reference = () => `${registry.address}/owner/charts/thimble:${VERSION}`;

  test("is pushed once under its version, however often the step runs", async () => {
    await step("push");
    const digest = await digestOf(reference());
    expect(await runner.read("published/chart")).toBe(digest);
    await step("push");
    expect(await digestOf(reference())).toBe(digest);
    const pushes = (await runner.recorded()).filter((line) => line.startsWith("helm push "));
    expect(pushes).toHaveLength(1);
  });

  test("fails verification before it is signed", async () => {
    await expect(step("verify")).rejects.toThrow("no signatures found");
  });

  test("is signed by its digest, and then verified, and installed with its image's digest", async () => {
    await step("sign");
    expect(await step("verify")).toContain("is signed, attested and can be installed");
    const oci = `oci://${registry.address}/owner/charts/thimble`;
    const set = "--set=auth.existingSecret=keys";
    const options = [`--version=${VERSION}`, "--plain-http", set];
    const { stdout } = Bun.spawnSync([TOOLS.helm, "template", "api", oci, ...options]);
    expect(`${stdout}`).toContain(`image: ghcr.io/owner/thimble@${IMAGE_DIGEST}\n`);
  });

  test("is not replaced by another of the same version", async () => {
    await runner.write("published/standard", `sha256:${"b".repeat(64)}`);
    await step("package");
    await expect(step("push")).rejects.toThrow("is there, and is another chart");
    await expect(step("verify")).rejects.toThrow("has other bytes than");
  });
});
