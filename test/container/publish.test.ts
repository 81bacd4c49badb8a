import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SBOM } from "../../scripts/image/files.ts";
import { digestOf } from "../../scripts/release/registry.ts";
import { ARCHITECTURES, TARGETS, type Target } from "../../scripts/release/tags.ts";
import { docker } from "../../scripts/shell/commands.ts";
import { openRunner, type Runner } from "../workflow-commands.ts";
import { readImageFile } from "./container.ts";
import { tagOf } from "./images.ts";
import {
  documented,
  NATIVE_ARCHITECTURE,
  openRegistry,
  REGISTRY,
  type Registry,
  UNLOGGED_SIGNING,
  UNLOGGED_VERIFYING,
} from "./registry.ts";

/** This machine builds only for its own architecture; this replaces the image of another. */
const FOREIGN = `FROM scratch
COPY sbom.cdx.json thimble /
CMD ["/thimble"]
`;

let registry: Registry;
let runner: Runner;
const digests = new Map<Target | "foreign", string>();

/** The engine's own `docker`, with the registry of this test instead of GitHub's. */
function dockerStub(): string {
  const rename = `arguments="$arguments '$(echo "$each" | sed s,ghcr.io,${registry.address},g)'"`;
  return `for each in "$@"; do ${rename}; done; eval exec '${Bun.which("docker")}' $arguments`;
}

/** cosign, with a key instead of an identity, which only Sigstore can give. */
function cosignStub(): string {
  const docker = `'${Bun.which("docker")}'`;
  return `
    case "$1" in
      verify*) set -- "$@" --key=release.pub ${UNLOGGED_VERIFYING.join(" ")} ;;
      *) set -- "$@" --key=release.key ${UNLOGGED_SIGNING.join(" ")} ;;
    esac
    for each in "$@"; do
      case "$each" in
        --certificate-*) continue ;;
        --predicate=*)
          ${docker} cp --quiet "\${each#*=}" ${registry.signer}:/keys/predicate || exit
          each=--predicate=predicate ;;
      esac
      arguments="$arguments '$(echo "$each" | sed s,ghcr.io,${REGISTRY},)'"
    done
    eval exec ${docker} exec --env=COSIGN_PASSWORD= ${registry.signer} cosign $arguments`;
}

const otherArchitecture = NATIVE_ARCHITECTURE === "amd64" ? "arm64" : "amd64";

/** Its bill of materials is that of `tiny`, for the other architecture. */
async function buildForeign(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "thimble-foreign-"));
  const own = await readImageFile(tagOf("tiny"), SBOM);
  const foreign = own.replaceAll(`arch=${NATIVE_ARCHITECTURE}`, `arch=${otherArchitecture}`);
  writeFileSync(join(directory, "Dockerfile"), FOREIGN);
  writeFileSync(join(directory, "sbom.cdx.json"), foreign);
  writeFileSync(join(directory, "thimble"), "not for this machine");
  const platform = `--platform=linux/${otherArchitecture}`;
  await docker("build", "--quiet", platform, `--tag=${tagOf("foreign")}`, directory);
  rmSync(directory, { recursive: true });
}

/** Like the builds: refers to the image by digest; nothing else uses the tag. */
async function push(image: Target | "foreign"): Promise<string> {
  const name = `${registry.address}/owner/thimble:pushed-${image}`;
  await docker("tag", tagOf(image), name);
  await docker("push", "--quiet", name);
  await docker("image", "rm", name);
  return await digestOf(name);
}

beforeAll(async () => {
  registry = await openRegistry("release");
  await buildForeign();
  for (const image of [...TARGETS, "foreign"] as const) digests.set(image, await push(image));
  runner = openRunner({ docker: dockerStub(), cosign: cosignStub(), gh: "echo '[]'" });
});

afterAll(async () => {
  const pulled = `--filter=reference=${registry.address}/owner/thimble`;
  const format = "--format={{.Repository}}@{{.Digest}}";
  const names = await docker("image", "ls", "--digests", format, pulled);
  if (names !== "") await docker("image", "rm", ...names.split("\n"));
  await registry.close();
  runner.close();
});

const nameOf = (tag: string) => `${registry.address}/owner/thimble:${tag}`;

async function run(command: string, env: Record<string, string> = {}): Promise<string> {
  const { exitCode, stderr, stdout } = await runner.step(command, env);
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

function publish(command: string, env: Record<string, string> = {}): Promise<string> {
  return run(`bun scripts/release/publish.ts ${command}`, { TARGET: "tiny", ...env });
}

/** As in docs/verify.md, for `tiny`. */
async function attestedSboms(): Promise<unknown[]> {
  const image = `ghcr.io/owner/thimble@${await runner.read("published/tiny")}`;
  const lines = await run(`cosign verify-attestation --type=cyclonedx ${image}`);
  return lines
    .trim()
    .split("\n")
    .map((line) => Buffer.from(JSON.parse(line).payload, "base64").toString())
    .map((statement) => JSON.parse(statement).predicate);
}

async function record(target: Target, architecture: string, image: Target | "foreign") {
  const DIGEST = digests.get(image) ?? "";
  const env = { TARGET: target, ARCHITECTURE: architecture, DIGEST };
  await publish('record "$TARGET" "$ARCHITECTURE"', env);
}

async function index(target: Target): Promise<void> {
  await record(target, NATIVE_ARCHITECTURE, target);
  await record(target, otherArchitecture, "foreign");
  await publish('index "$TARGET"', { TARGET: target });
}

describe("to a registry", () => {
  test("each run publishes an index of exactly the pushed images", async () => {
    for (const target of TARGETS) await index(target);
    const published = await runner.read("published/tiny");
    expect(published).toBe(await digestOf(nameOf("run-42-1")));
    expect(published).not.toBe(await runner.read("published/standard"));
    for (const tag of ["latest", "sha-0123456789ab"]) {
      await expect(digestOf(nameOf(tag))).rejects.toThrow("not found");
    }
  });

  test("an unsigned image fails verification", async () => {
    await expect(publish('verify "$TARGET"')).rejects.toThrow("no signatures found");
  });

  test("the published index is signed, and each architecture's bill of materials is attested", async () => {
    await publish('sign "$TARGET"');
    const sboms = await attestedSboms();
    expect(sboms).toHaveLength(2);
    expect(sboms).toContainEqual(JSON.parse(await readImageFile(tagOf("tiny"), SBOM)));
    expect(JSON.stringify(sboms)).toContain(`arch=${otherArchitecture}`);
  });

  test("the commands of docs/verify.md write each architecture's own bill of materials", async () => {
    const image = `${REGISTRY}/owner/thimble@${await runner.read("published/tiny")}`;
    const command = await documented("cosign verify-attestation ");
    for (const architecture of ARCHITECTURES) {
      await registry.follow(command, image, architecture);
      const written = await docker("exec", registry.signer, "cat", "sbom.cdx.json");
      expect(written).toContain(`arch=${architecture}`);
    }
  });

  test("before a tag moves, the image is verified and pulled by digest, and answers", async () => {
    expect(await publish('verify "$TARGET"')).toContain("is signed, attested and healthy");
    const pulled = `${registry.address}/owner/thimble@${await runner.read("published/tiny")}`;
    await docker("image", "rm", pulled);
    await expect(digestOf(nameOf("latest"))).rejects.toThrow("not found");
  });

  test("all tags move to the digest that was verified", async () => {
    await publish("promote");
    await runner.release("1.2.3");
    await publish("promote", { GITHUB_REF: "refs/tags/v1.2.3" });
    for (const [target, tags] of [
      ["tiny", ["sha-0123456789ab", "main", "latest", "1.2.3", "1.2", "1"]],
      [
        "standard",
        [
          "sha-0123456789ab-standard",
          "main-standard",
          "latest-standard",
          "1.2.3-standard",
          "1-standard",
        ],
      ],
    ] as const) {
      const digest = await runner.read(`published/${target}`);
      for (const tag of tags) expect(await digestOf(nameOf(tag))).toBe(digest);
    }
  });

  test("a signed image without one architecture's bill of materials fails verification", async () => {
    const own = await readImageFile(tagOf("standard"), SBOM);
    await runner.write("own.json", own);
    const image = `ghcr.io/owner/thimble@${await runner.read("published/standard")}`;
    await run(`cosign sign ${image}`);
    await run(`cosign attest --type=cyclonedx --predicate=own.json ${image}`);
    await expect(publish('verify "$TARGET"', { TARGET: "standard" })).rejects.toThrow(
      `has no attested bill of materials of ${otherArchitecture}`,
    );
  });

  test("a release offers the files from the image of each architecture", async () => {
    await publish("download", { GITHUB_REF_NAME: "v1.2.3" });
    const path = `dist/release/thimble-1.2.3-linux-${otherArchitecture}`;
    expect(await runner.read(path)).toBe("not for this machine");
    expect(await runner.read(`${path}.sbom.cdx.json`)).toContain(`arch=${otherArchitecture}`);
    const sums = await run("cd dist/release; sha256sum --check SHA256SUMS");
    expect(sums).toContain(`thimble-1.2.3-linux-${NATIVE_ARCHITECTURE}: OK`);
  });

  test("an index of images that were never pushed is refused", async () => {
    const DIGEST = `sha256:${"0".repeat(64)}`;
    await publish('record "$TARGET" "$ARCHITECTURE"', { ARCHITECTURE: "arm64", DIGEST });
    await expect(publish('index "$TARGET"')).rejects.toThrow("docker buildx failed: ");
  });
});
