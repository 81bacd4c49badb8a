import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { PLANTED } from "../scripts/image/planted-sbom.ts";
import { PARTS, RUNTIMES } from "../scripts/test.ts";
import { ONLY_ON_GITHUB, parse, readWorkflows, type Workflow } from "../scripts/workflow-rules.ts";
import { HAS_TOOLS, NO_TOOLS, TOOLS } from "./helm/rendered.ts";
import { commandsOfWorkflows, commandsRun, openRunner, type Runner } from "./workflow-commands.ts";

setDefaultTimeout(60_000);

const commands = await commandsOfWorkflows();
const gate = await Bun.file(".ci/run").text();
const DIGEST = { amd64: `sha256:${"a".repeat(64)}`, arm64: `sha256:${"b".repeat(64)}` };
const INDEX = `sha256:${"c".repeat(64)}`;
const IMAGES = "ghcr.io/owner/thimble";

/** The commands that run below, exactly as in a workflow; the last test checks that they did. */
const RUN_BELOW = [
  "bun run test:postgres",
  'bun run test:runtime "$RUNTIME"',
  "bun scripts/build/labels.ts",
  'bun scripts/cluster-tools.ts >> "$GITHUB_PATH"',
  'bun scripts/image/files.ts "$IMAGE" dist/image.cdx.json "$ARCHITECTURE"',
  "bun scripts/image/planted-sbom.ts write dist/planted.cdx.json",
  "bun scripts/image/planted-sbom.ts check dist/planted.json",
  "bun scripts/release/chart.ts package",
  "bun scripts/release/chart.ts push",
  "bun scripts/release/chart.ts sign",
  "bun scripts/release/chart.ts verify",
  "bun scripts/release/publish.ts check",
  "bun scripts/release/publish.ts download",
  'bun scripts/release/publish.ts index "$TARGET"',
  "bun scripts/release/publish.ts promote",
  'bun scripts/release/publish.ts record "$TARGET" "$ARCHITECTURE"',
  "bun scripts/release/publish.ts release",
  'bun scripts/release/publish.ts sign "$TARGET"',
  'bun scripts/release/publish.ts verify "$TARGET"',
  "bun scripts/release/scanned-images.ts",
];

/** The commands that the tests in test/container run, because they need an engine. */
const RUN_IN_CONTAINERS = [
  // test/container/workflow.test.ts
  "bun scripts/image/budget.ts thimble-ci",
  "bun scripts/image/files.ts thimble-ci:standard dist/standard.cdx.json",
  "bun scripts/image/files.ts thimble-ci:tiny dist/tiny.cdx.json",
  "bun run test:container --built",
  // test/container/reproducible.test.ts
  "bun run check:reproducible",
];

const RUN_BY_TESTS = [...RUN_BELOW, ...RUN_IN_CONTAINERS];

/** The few tests of a part must bundle the service and start databases. */
const PART_TIMEOUT_MS = 120_000;

/** The commands that .ci/run runs. */
const RUN_BY_GATE: Record<string, string> = {
  "bun run check:static": "npm run --silent check:static",
  "bun run test": "npm test",
  "bun run test:launcher": "npm run --silent test:launcher",
  "bun run test:swarm --built --one-node": "npm run --silent test:swarm",
  // There on real clusters, here on a stand-in.
  "bun run test:cluster --built": "npm run --silent test:cluster",
};

describe("each command of a workflow is run here too", () => {
  for (const command of new Set(commands.map((each) => each.command))) {
    test(command, () => {
      const inGate = RUN_BY_GATE[command];
      if (inGate) expect(gate).toContain(inGate);
      else if (!ONLY_ON_GITHUB.some((pattern) => pattern.test(command))) {
        expect(RUN_BY_TESTS).toContain(command);
      }
    });
  }

  test("and each command that runs here is still in a workflow", () => {
    const used = commands.map(({ command }) => command);
    for (const command of [...RUN_BY_TESTS, ...Object.keys(RUN_BY_GATE)]) {
      expect(used).toContain(command);
    }
  });

  test("the packages that GitHub's machines install are those of .ci/run", () => {
    const installs = commands.filter(({ command }) => command.includes("apt-get install"));
    const names = installs.flatMap(({ command }) => command.split(/ -\S+| /).slice(3));
    expect(names.filter(Boolean)).not.toBeEmpty();
    const listed = /^packages=\((.*)\)$/m.exec(gate)?.[1]?.split(" ");
    for (const name of names.filter(Boolean)) expect(listed).toContain(name);
  });

  test("the files for one runtime or database are in the suite", () => {
    for (const list of Object.values(PARTS)) {
      const files = list.filter((each) => each.startsWith("./"));
      expect(files).not.toBeEmpty();
      for (const file of files) expect(existsSync(file)).toBe(true);
    }
  });

  test("every runtime with tests is in the matrix", async () => {
    const text = await Bun.file(".github/workflows/test.yml").text();
    expect(text).toContain(`runtime: [${Object.keys(RUNTIMES).join(", ")}]`);
  });
});

describe("a step of test.yml", () => {
  let runner: Runner;
  beforeAll(() => {
    runner = openRunner();
  });
  afterAll(() => runner.close());

  // Only a few tests of each part, because .ci/run runs them all.
  const FEW = "--test-name-pattern=GET./healthz";
  for (const [command, env] of [
    ["bun run test:postgres", {}],
    ...Object.keys(RUNTIMES).map(
      (RUNTIME) => ['bun run test:runtime "$RUNTIME"', { RUNTIME }] as const,
    ),
  ] as const) {
    test(
      `runs the tests of a part: ${command} ${JSON.stringify(env)}`,
      async () => {
        const { exitCode, stderr } = await runner.stepHere(command, { ...env, TEST_OPTIONS: FEW });
        expect(stderr).toMatch(/^ *[1-9]\d* pass$/m);
        expect(exitCode).toBe(0);
      },
      PART_TIMEOUT_MS,
    );
  }

  test("describes the build to the next one", async () => {
    const { exitCode, outputs } = await runner.step("bun scripts/build/labels.ts");
    expect(exitCode).toBe(0);
    expect(outputs.arguments).toMatch(/^SOURCE_DATE_EPOCH=\d+\nCREATED=.+\nREVISION=/);
  });

  test("plants vulnerable packages, and fails if a scan does not name them", async () => {
    const written = await runner.step(
      "bun scripts/image/planted-sbom.ts write dist/planted.cdx.json",
    );
    expect(written.exitCode).toBe(0);
    expect(await runner.read("dist/planted.cdx.json")).toContain("pkg:npm/lodash@4.17.4");
    const check = (SCAN_OUTCOME: string) =>
      runner.step("bun scripts/image/planted-sbom.ts check dist/planted.json", { SCAN_OUTCOME });
    expect((await check("failure")).exitCode).toBe(1);
    const found = PLANTED.map(({ finding }) => ({ VulnerabilityID: finding }));
    await runner.write(
      "dist/planted.json",
      JSON.stringify({ Results: [{ Vulnerabilities: found }] }),
    );
    expect((await check("failure")).exitCode).toBe(0);
    expect((await check("success")).exitCode).toBe(1);
  });
});

describe("the only check that a branch requires", async () => {
  const { jobs } = parse(await Bun.file(".github/workflows/test.yml").text());
  const needed = [jobs.required?.needs ?? []].flat();

  test("needs every other job", () => {
    expect(needed.toSorted()).toEqual(
      Object.keys(jobs)
        .filter((job) => job !== "required")
        .toSorted(),
    );
  });

  test("lets a job be skipped only where its own condition may skip it", () => {
    const { "allowed-skips": skips, jobs: results } = jobs.required?.steps?.[0]?.with ?? {};
    const conditional = needed.filter((job) => jobs[job]?.if !== undefined);
    expect(`${skips}`.split(", ").toSorted()).toEqual(conditional.toSorted());
    expect(results).toBe(`\${{ toJSON(needs) }}`);
    expect(jobs.required?.if).toBe(`\${{ always() }}`);
  });
});

describe("publishing", () => {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => Response.json({ status: "healthy", version: "1.2.3" }),
  });
  let runner: Runner;

  const MANIFESTS = {
    manifests: [
      { digest: `sha256:${"e".repeat(64)}`, platform: { os: "unknown", architecture: "unknown" } },
      ...(["amd64", "arm64"] as const).map((architecture) => ({
        digest: DIGEST[architecture],
        platform: { os: "linux", architecture },
      })),
    ],
  };

  /** cosign's output for a bill of materials that was attested as it is in the image. */
  function attested(architecture: string): string {
    const predicate = { from: `container-${architecture}:/sbom.cdx.json` };
    const payload = Buffer.from(JSON.stringify({ predicate })).toString("base64");
    return JSON.stringify({ payload });
  }

  /** The answers of the stubs; all other calls print nothing. */
  const STUBS = {
    docker: `case "$*" in
      "buildx imagetools inspect --raw"*) echo '${JSON.stringify(MANIFESTS)}' ;;
      "buildx imagetools inspect"*) echo '{"digest":"${INDEX}"}' ;;
      "create "*) echo "container-\${2#*linux/}" ;;
      "run "*) echo container ;;
      "inspect "*) echo running healthy ;;
      "port "*) echo 127.0.0.1:${server.port} ;;
      "cp "*) echo "{\\"from\\":\\"$2\\"}" > "$3" ;;
    esac`,
    cosign: `[ "$COSIGN_FAILS" != "$1" ] || { echo "no matching signatures" >&2; exit 1; }
      case "$1" in verify-attestation)
        echo '${attested("amd64")}'
        [ -n "$WITHOUT_ARM64" ] || echo '${attested("arm64")}' ;;
      esac`,
    gh: `[ -z "$GH_FAILS" ] || { echo "no attestations" >&2; exit 1; }
      case "$*" in
        "api "*) echo "$MAIN" ;;
        "release list"*) echo "\${RELEASES:-[]}" ;;
      esac`,
  };

  beforeAll(() => {
    runner = openRunner(STUBS);
  });
  afterAll(async () => {
    await server.stop(true);
    runner.close();
  });

  const publish = (command: string, env: Record<string, string> = {}) =>
    runner.step(`bun scripts/release/publish.ts ${command}`, { TARGET: "standard", ...env });
  const succeed = async (command: string, env: Record<string, string> = {}) => {
    const result = await publish(command, env);
    expect(result.exitCode).toBe(0);
    return result;
  };
  const fail = async (command: string, env: Record<string, string> = {}) => {
    const { exitCode, stderr } = await publish(command, env);
    expect(exitCode).toBe(1);
    return stderr.split("\n").filter((line) => line.startsWith("thimble: "))[0];
  };
  const record = (architecture: "amd64" | "arm64", digest: string = DIGEST[architecture]) => ({
    ARCHITECTURE: architecture,
    DIGEST: digest,
  });
  const releases = (...tags: string[]) =>
    JSON.stringify(tags.map((tagName) => ({ tagName, isPrerelease: tagName.includes("-") })));
  const LIST_RELEASES =
    "gh release list --repo=Owner/thimble --exclude-drafts --json=tagName,isPrerelease --limit=1000";
  const V1_2_3 = { GITHUB_REF: "refs/tags/v1.2.3", GITHUB_REF_NAME: "v1.2.3" };
  const RECORD = 'record "$TARGET" "$ARCHITECTURE"';
  const CREATE = "docker buildx imagetools create";

  test("refuses a wrong digest, and an index that lacks an architecture", async () => {
    expect(await fail(RECORD, record("amd64", "latest"))).toBe(
      "thimble: DIGEST is no digest: latest",
    );
    expect(await fail(RECORD, record("amd64", ""))).toBe("thimble: DIGEST is not set");
    await succeed(RECORD, record("amd64"));
    expect(await fail('index "$TARGET"')).toBe(
      "thimble: expected standard-amd64 and standard-arm64 in digests, found standard-amd64",
    );
    expect(await fail('sign "$TARGET"')).toBe(
      "thimble: there is no published/standard; publish.ts index writes it",
    );
    expect(await runner.recorded()).toEqual([]);
  });

  test("joins both architectures under a tag of the run, in every repository", async () => {
    for (const architecture of ["amd64", "arm64"] as const) {
      await succeed(RECORD, record(architecture));
      await succeed(RECORD, { ...record(architecture), TARGET: "tiny" });
    }
    const hub = { DOCKERHUB_USERNAME: "Somebody" };
    const { outputs } = await succeed('index "$TARGET"', hub);
    expect(outputs).toEqual({ repository: IMAGES, digest: INDEX });
    const tag = "run-42-1-standard";
    expect(await runner.recorded()).toEqual([
      `${CREATE} --tag=${IMAGES}:${tag} ${IMAGES}@${DIGEST.amd64} ${IMAGES}@${DIGEST.arm64}`,
      `docker buildx imagetools inspect --format={{json .Manifest}} ${IMAGES}:${tag}`,
      `${CREATE} --tag=docker.io/somebody/thimble:${tag} ${IMAGES}@${INDEX}`,
    ]);
  });

  test("signs by digest, and attests each architecture's bill of materials", async () => {
    await succeed('sign "$TARGET"');
    const recorded = await runner.recorded();
    expect(recorded.filter((line) => line.startsWith("cosign"))).toEqual([
      `cosign sign --yes --recursive ${IMAGES}@${INDEX}`,
      ...["amd64", "arm64"].map(
        (each) =>
          "cosign attest --yes --type=cyclonedx " +
          `--predicate=dist/sboms/standard-${each}.cdx.json ${IMAGES}@${INDEX}`,
      ),
    ]);
    for (const each of ["amd64", "arm64"] as const) {
      expect(recorded).toContain(
        `docker create --platform=linux/${each} ${IMAGES}@${DIGEST[each]}`,
      );
      expect(JSON.parse(await runner.read(`dist/sboms/standard-${each}.cdx.json`))).toEqual({
        from: `container-${each}:/sbom.cdx.json`,
      });
    }
  });

  describe("a tag by hand publishes nothing if", () => {
    beforeAll(() => runner.release("1.2.3"));

    for (const [what, tag, notes, message] of [
      [
        "package.json has another version",
        "v2.0.0",
        "- Books.",
        "thimble: v2.0.0 is no tag of package.json's version; expected v1.2.3",
      ],
      [
        "the changelog says nothing",
        "v1.2.3",
        "",
        "thimble: CHANGELOG.md says nothing about v1.2.3",
      ],
    ] as const) {
      test(what, async () => {
        await runner.write("CHANGELOG.md", `## Unreleased\n\n## 1.2.3\n\n${notes}\n`);
        const env = { GITHUB_REF: `refs/tags/${tag}`, GITHUB_REF_NAME: tag };
        for (const command of ["check", "promote"]) expect(await fail(command, env)).toBe(message);
        expect(await runner.recorded()).toEqual([]);
      });
    }

    test("unless a release made it, or it is main", async () => {
      await runner.release("1.2.3");
      await succeed("check", { GITHUB_REF: "refs/tags/v1.2.3" });
      const { outputs } = await succeed("check", { GITHUB_REF: "refs/heads/main" });
      expect(outputs).toEqual({ repository: IMAGES });
    });
  });

  test("moves no tag before both targets are published", async () => {
    expect(await fail("promote")).toBe(
      "thimble: there is no published/tiny; publish.ts index writes it",
    );
    expect(await runner.recorded()).toEqual([]);
    await succeed('index "$TARGET"', { TARGET: "tiny" });
    await runner.recorded();
  });

  test("verifies the signatures and attestations of this workflow, and that the image answers", async () => {
    const { stdout, outputs } = await succeed('verify "$TARGET"');
    expect(outputs.image).toBe(`${IMAGES}@${INDEX}`);
    expect(stdout).toBe(`${IMAGES}@${INDEX} is signed, attested and healthy: 1.2.3\n`);
    const recorded = await runner.recorded();
    const signer =
      "--certificate-identity=" +
      "https://github.com/Owner/thimble/.github/workflows/docker-build-push.yml@refs/heads/main " +
      "--certificate-oidc-issuer=https://token.actions.githubusercontent.com";
    const checks = recorded.filter(
      (line) => !/^docker (buildx|create|cp|rm --volumes) /.test(line),
    );
    expect(checks.slice(0, 4)).toEqual([
      `cosign verify ${signer} ${IMAGES}@${INDEX}`,
      `cosign verify-attestation --type=cyclonedx ${signer} ${IMAGES}@${INDEX}`,
      `gh attestation verify oci://${IMAGES}@${INDEX} --repo=Owner/thimble ` +
        "--signer-workflow=Owner/thimble/.github/workflows/docker-build-push.yml " +
        "--source-ref=refs/heads/main --source-digest=0123456789abcdef0123456789abcdef01234567",
      `docker pull --quiet ${IMAGES}@${INDEX}`,
    ]);
    expect(checks[4]).toMatch(/^docker run --detach .*--read-only --cap-drop=ALL /);
    expect(checks.at(-1)).toBe("docker rm --force --volumes container");
  });

  test("verifies and runs the image of every repository, and runs none before all are verified", async () => {
    const { stdout } = await succeed('verify "$TARGET"', { DOCKERHUB_USERNAME: "Somebody" });
    const images = [IMAGES, "docker.io/somebody/thimble"].map((each) => `${each}@${INDEX}`);
    const healthy = images.map((each) => `${each} is signed, attested and healthy: 1.2.3\n`);
    expect(stdout).toBe(healthy.join(""));
    const recorded = await runner.recorded();
    const signed = recorded.findLastIndex((line) => /^(cosign|gh) /.test(line));
    const asked = (start: string, lines: readonly string[]) =>
      lines.filter((line) => line.startsWith(start)).map((line) => line.split(" ").at(-1));
    expect(asked("cosign verify ", recorded)).toEqual(images);
    expect(asked("cosign verify-attestation ", recorded)).toEqual(images);
    expect(asked("docker pull ", recorded.slice(signed))).toEqual(images);
    expect(asked("docker run ", recorded.slice(signed))).toEqual(images);
    expect(asked("docker run ", recorded)).toHaveLength(images.length);
  });

  const NO_SBOM = `thimble: ${IMAGES}@${INDEX} has no attested bill of materials of arm64`;
  for (const [what, env, message] of [
    [
      "signature is wrong",
      { COSIGN_FAILS: "verify" },
      "thimble: cosign verify failed: no matching signatures",
    ],
    [
      "bill of materials is not attested",
      { COSIGN_FAILS: "verify-attestation" },
      "thimble: cosign verify-attestation failed: no matching signatures",
    ],
    ["bill of materials is attested for one architecture only", { WITHOUT_ARM64: "yes" }, NO_SBOM],
    ["provenance is wrong", { GH_FAILS: "yes" }, "thimble: gh attestation failed: no attestations"],
  ] as const) {
    test(`runs no image whose ${what}`, async () => {
      expect(await fail('verify "$TARGET"', env)).toBe(message);
      const recorded = await runner.recorded();
      expect(recorded.filter((line) => /^docker (pull|run) /.test(line))).toEqual([]);
    });
  }

  test("moves latest on main, and the versions on a tag", async () => {
    const created = (tags: readonly string[]) =>
      ["-standard", ""].flatMap((suffix) =>
        tags.map((tag) => `${CREATE} --tag=${IMAGES}:${tag}${suffix} ${IMAGES}@${INDEX}`),
      );
    await succeed("promote");
    expect(await runner.recorded()).toEqual(created(["sha-0123456789ab", "main", "latest"]));
    await runner.release("1.2.3");
    await succeed("promote", V1_2_3);
    expect(await runner.recorded()).toEqual([
      LIST_RELEASES,
      ...created(["sha-0123456789ab", "1.2.3", "1.2", "1"]),
    ]);
  });

  test("moves no version back when an old one gets a release, and nothing if it has one", async () => {
    await runner.release("1.2.3");
    await succeed("promote", { ...V1_2_3, RELEASES: releases("v1.3.0", "v1.2.10-rc.1", "v1.2.2") });
    const moved = (await runner.recorded()).map((line) => /--tag=\S+:(\S+)/.exec(line)?.[1]);
    expect(moved.slice(-3)).toEqual(["sha-0123456789ab", "1.2.3", "1.2"]);
    const message = await fail("promote", { ...V1_2_3, RELEASES: releases("v1.2.3") });
    expect(message).toBe("thimble: v1.2.3 is released already; no tag moves");
    expect(await runner.recorded()).toEqual([LIST_RELEASES]);
  });

  test("moves no tag of main back when an old run is run again", async () => {
    const rerun = { GITHUB_RUN_ATTEMPT: "2" };
    const moved = async (env: Record<string, string>) => {
      await succeed("promote", env);
      const lines = (await runner.recorded()).filter((line) => line.startsWith(CREATE));
      return lines.map((line) => /--tag=\S+:(\S+)/.exec(line)?.[1]);
    };
    const fixed = "sha-0123456789ab";
    expect(await moved({ ...rerun, MAIN: "f".repeat(40) })).toEqual([`${fixed}-standard`, fixed]);
    const newest = { ...rerun, MAIN: "0123456789abcdef0123456789abcdef01234567" };
    expect((await moved(newest)).slice(-3)).toEqual([fixed, "main", "latest"]);
  });

  test("takes a release's files out of the verified image", async () => {
    await succeed("download", { GITHUB_REF_NAME: "v1.2.3" });
    const assets = ["amd64", "arm64"].flatMap((each) => [
      `thimble-1.2.3-linux-${each}`,
      `thimble-1.2.3-linux-${each}.sbom.cdx.json`,
    ]);
    const sums = (await runner.read("dist/release/SHA256SUMS")).trimEnd().split("\n");
    expect(sums.map((line) => line.replace(/^[0-9a-f]{64} {2}/, ""))).toEqual(assets);
    expect(await runner.recorded()).toContain(
      `docker create --platform=linux/arm64 ${IMAGES}@${DIGEST.arm64}`,
    );
  });

  test("releases only versions in the changelog", async () => {
    const notes = await fail("release", { GITHUB_REF_NAME: "v99.0.0" });
    expect(notes).toStartWith("thimble: CHANGELOG.md has no section v99.0.0; it has ");
    expect(await runner.recorded()).toEqual([]);
    await succeed("release", { GITHUB_REF_NAME: "v1.2.3" });
    const [, command = ""] = await runner.recorded();
    expect(command).toStartWith(
      "gh release create v1.2.3 --repo=Owner/thimble --verify-tag --title=v1.2.3 --latest=true --notes=- Books. ",
    );
    expect(command).toMatch(
      / dist\/release\/SHA256SUMS dist\/release\/thimble-1\.2\.3-linux-amd64 .+arm64\.sbom\.cdx\.json$/,
    );
    await succeed("release", { GITHUB_REF_NAME: "v1.2.3", RELEASES: releases("v2.0.0") });
    expect((await runner.recorded()).at(-1)).toContain(" --latest=false ");
  });

  test("takes the bill of materials out of an image, for the scan", async () => {
    const step = 'bun scripts/image/files.ts "$IMAGE" dist/image.cdx.json "$ARCHITECTURE"';
    const { exitCode } = await runner.step(step, {
      IMAGE: `${IMAGES}@${DIGEST.arm64}`,
      ARCHITECTURE: "arm64",
    });
    expect(exitCode).toBe(0);
    expect(await runner.recorded()).toContain(
      `docker create --platform=linux/arm64 ${IMAGES}@${DIGEST.arm64}`,
    );
    expect(await runner.read("dist/image.cdx.json")).toContain(":/sbom.cdx.json");
  });

  test("scans both architectures of the last releases and of latest, each by digest", async () => {
    const { outputs, exitCode } = await runner.step("bun scripts/release/scanned-images.ts", {
      RELEASES: releases("v2.0.0-rc.1", "v1.2.3", "v1.2.2", "v1.2.1"),
    });
    expect(exitCode).toBe(0);
    const tags = ["latest", "1.2.3", "1.2.2"].flatMap((tag) => [`${tag}-standard`, tag]);
    expect(JSON.parse(outputs.images ?? "")).toEqual(
      tags.flatMap((tag) =>
        (["amd64", "arm64"] as const).map((architecture) => ({
          tag,
          architecture,
          image: `${IMAGES}@${DIGEST[architecture]}`,
        })),
      ),
    );
  });

  test("lists its commands", async () => {
    expect(await publish("everything")).toMatchObject({
      exitCode: 64,
      stderr:
        "thimble: expected check, record, index, sign, verify, promote, download, release, not everything\n",
    });
  });
});

describe.skipIf(!HAS_TOOLS)(`publishing the chart${NO_TOOLS}`, () => {
  let runner: Runner;
  const CHART = "ghcr.io/owner/charts/thimble";
  const PACKAGE = "dist/chart/thimble-1.2.3.tgz";
  const TAG = { GITHUB_REF: "refs/tags/v1.2.3", GITHUB_REF_NAME: "v1.2.3" };

  /** Helm itself, but for the registry, which is a file. */
  const HELM = `case "$1" in
      push) cp "$2" pushed.tgz ;;
      pull)
        [ -f pushed.tgz ] || { echo "$2: not found" >&2; exit 1; }
        for each in "$@"; do case "$each" in --destination=*) to=\${each#*=} ;; esac; done
        cp pushed.tgz "$to/thimble-1.2.3.tgz" ;;
      *) exec '${TOOLS.helm}' "$@" ;;
    esac`;

  beforeAll(async () => {
    const docker = `echo "{\\"digest\\":\\"\${CHART_DIGEST:-${INDEX}}\\"}"`;
    const refuse = (name: string) =>
      `[ "$FAILS" != ${name} ] || { echo "no signature" >&2; exit 1; }`;
    runner = openRunner({
      helm: HELM,
      docker,
      cosign: refuse("cosign"),
      gh: refuse("gh"),
    });
    await runner.release("1.2.3");
    await runner.write("published/standard", DIGEST.amd64);
  });
  afterAll(() => runner.close());

  const step = (command: string, env: Record<string, string> = {}) =>
    runner.step(`bun scripts/release/chart.ts ${command}`, { ...TAG, ...env });
  const succeed = async (command: string) => {
    const result = await step(command);
    expect(result).toMatchObject({ exitCode: 0 });
    return result;
  };
  const fail = async (command: string, env: Record<string, string> = {}) => {
    const { exitCode, stderr } = await step(command, env);
    expect(exitCode).toBe(1);
    return stderr.split("\n").filter((line) => line.startsWith("thimble: "))[0];
  };
  const bytes = () => Bun.file(runner.at(PACKAGE)).bytes();

  test("finds the Helm whose bytes are known", async () => {
    const cache = process.env.XDG_CACHE_HOME || `${process.env.HOME}/.cache`;
    const command = 'bun scripts/cluster-tools.ts >> "$GITHUB_PATH"';
    expect(await runner.step(command, { XDG_CACHE_HOME: cache })).toMatchObject({ exitCode: 0 });
    expect(await runner.read("path")).toBe(`${dirname(TOOLS.helm)}\n`);
  });

  test("packages the chart with its image's digest, the same bytes each time", async () => {
    const epoch = { SOURCE_DATE_EPOCH: "1700000000" };
    expect(await step("package", epoch)).toMatchObject({ exitCode: 0, stdout: `${PACKAGE}\n` });
    const first = await bytes();
    const list = ["tar", "--list", "--verbose", "--utc", `--file=${runner.at(PACKAGE)}`];
    const files = Bun.spawnSync(list).stdout.toString().trim().split("\n");
    for (const file of files) expect(file).toContain(" 2023-11-14 22:13 thimble/");
    // As another checkout would have it.
    rmSync(runner.at("deploy"));
    cpSync("deploy", runner.at("deploy"), { recursive: true });
    await step("package", epoch);
    expect(await bytes()).toEqual(first);

    const shown = Bun.spawnSync([TOOLS.helm, "show", "all", runner.at(PACKAGE)]).stdout.toString();
    expect(shown).toContain("\nversion: 1.2.3\n");
    expect(shown).toContain(`ghcr.io/owner/thimble:1.2.3-standard@${DIGEST.amd64}`);
    expect(shown).toContain(`artifacthub.io/changes: '["Books."]'`);
    expect(shown).toContain("(https://github.com/Owner/thimble/blob/v1.2.3/docs/kubernetes.md)");
    const set = ["--set", "auth.existingSecret=keys"];
    const rendered = Bun.spawnSync([TOOLS.helm, "template", "api", runner.at(PACKAGE), ...set]);
    expect(`${rendered.stdout}`).toContain(`image: ghcr.io/owner/thimble@${DIGEST.amd64}\n`);
  });

  test("pushes it once, however often it runs", async () => {
    await runner.recorded();
    for (let run = 0; run < 2; run += 1) {
      const { outputs } = await succeed("push");
      expect(outputs).toEqual({ repository: CHART, digest: INDEX });
    }
    const pushes = (await runner.recorded()).filter((line) => line.startsWith("helm push "));
    expect(pushes).toEqual([`helm push ${PACKAGE} oci://ghcr.io/owner/charts`]);
    await runner.write("pushed.tgz", "another chart");
    expect(await fail("push")).toBe(
      `thimble: ${CHART}:1.2.3 is there, and is another chart; release a new version`,
    );
    await Bun.write(runner.at("pushed.tgz"), await bytes());
  });

  test("signs it by digest", async () => {
    await runner.recorded();
    await succeed("sign");
    expect(await runner.recorded()).toEqual([`cosign sign --yes ${CHART}@${INDEX}`]);
  });

  test("verifies signature, provenance and bytes", async () => {
    const { stdout } = await succeed("verify");
    expect(stdout).toBe(`${CHART}@${INDEX} is signed, attested and can be installed\n`);
    const recorded = await runner.recorded();
    expect(recorded[0]).toMatch(/^cosign verify --certificate-identity=.+@refs\/heads\/main --/);
    expect(recorded[1]).toStartWith(`gh attestation verify oci://${CHART}@${INDEX} `);
    expect(await fail("verify", { FAILS: "cosign" })).toContain("no signature");
    expect(await fail("verify", { FAILS: "gh" })).toContain("no signature");
    expect(await fail("verify", { CHART_DIGEST: DIGEST.arm64 })).toBe(
      `thimble: ${CHART}:1.2.3 is ${DIGEST.arm64} by now`,
    );
    await runner.write("pushed.tgz", "another chart");
    expect(await fail("verify")).toBe(`thimble: ${CHART}@${INDEX} has other bytes than ${PACKAGE}`);
  });

  test("lists its commands", async () => {
    expect(await step("everything")).toMatchObject({
      exitCode: 64,
      stderr: "thimble: expected package, push, sign, verify, not everything\n",
    });
  });
});

describe("what Trivy finds", async () => {
  for (const { path, text } of await readWorkflows()) {
    for (const [name, { permissions = {}, steps = [] }] of Object.entries(parse(text).jobs)) {
      if (!("security-events" in permissions)) continue;
      const outputs = steps.flatMap((step) => (step.with?.output ? [`${step.with.output}`] : []));
      const uploads = steps.flatMap((step) =>
        step.with?.sarif_file ? [`${step.with.sarif_file}`] : [],
      );
      const categories = steps
        .filter((step) => step.with?.sarif_file)
        .map((step) => step.with?.category);
      const scans = steps.filter(({ uses }) => uses?.startsWith("aquasecurity/trivy-action@"));
      if (scans.length === 0) continue;
      test(`is uploaded, with its own category for each scan: ${name} of ${path}`, () => {
        expect(outputs).toHaveLength(scans.length);
        expect(uploads).toEqual(outputs.filter((each) => each.endsWith(".sarif")));
        expect(new Set(categories).size).toBe(uploads.length);
      });
    }
  }
});

describe("the order of publishing", async () => {
  const jobs = parse(await Bun.file(".github/workflows/docker-build-push.yml").text()).jobs;

  test("is build, sign, verify, then the tags after all tests, then the chart, then the release", () => {
    expect(Object.entries(jobs).map(([name, { needs }]) => [name, needs])).toEqual([
      ["tests", undefined],
      ["build", undefined],
      ["sign", "build"],
      ["verify", "sign"],
      ["promote", ["verify", "tests"]],
      ["chart", "promote"],
      ["release", ["promote", "chart"]],
    ]);
  });

  test("signs in to every repository in each job that names it", () => {
    const logins = Object.entries(jobs).map(([name, { env = {}, steps = [] }]) => [
      name,
      "DOCKERHUB_USERNAME" in env ? 2 : 1,
      steps.filter(({ uses }) => uses?.startsWith("docker/login-action@")).length,
    ]);
    for (const [name, expected, found] of logins.slice(1))
      expect([name, found]).toEqual([name, expected]);
  });

  test("checks the tag before it signs in anywhere", () => {
    const steps = jobs.build?.steps?.map(({ run, uses = "" }) => run ?? uses.replace(/@.*/, ""));
    const before = steps?.slice(0, steps.indexOf("docker/login-action"));
    expect(before).toContain("bun scripts/release/publish.ts check");
  });

  test("scans each image's bill of materials, which the verification took out", () => {
    const scanned = jobs.verify?.steps?.flatMap((step) => step.with?.["scan-ref"] ?? []);
    expect(scanned).toEqual([
      `dist/sboms/\${{ matrix.target }}-\${{ matrix.architecture }}.cdx.json`,
    ]);
  });

  test("calls all the tests, and gives them the rights that their jobs need", async () => {
    const tests = parse(await Bun.file(".github/workflows/test.yml").text());
    expect(jobs.tests?.uses).toBe("./.github/workflows/test.yml");
    expect(Object.keys(tests.on)).toContain("workflow_call");
    const asked = Object.values(tests.jobs).flatMap(({ permissions = {} }) =>
      Object.entries(permissions),
    );
    for (const [right, access] of asked) expect(jobs.tests?.permissions?.[right]).toBe(access);
  });

  test("starts on main and on tags of versions, and never for a pull request", async () => {
    const sources = await readWorkflows();
    const pushing = sources.filter(({ text }) => /packages: write|secrets\./.test(text));
    const triggers = pushing.map(({ text }): Workflow["on"] => parse(text).on);
    expect(triggers).toEqual([{ push: { branches: ["main"], tags: ["v*"] } }]);
  });
});

test("every command of the list above was run here", () => {
  for (const command of RUN_BELOW) expect(commandsRun).toContain(command);
});
