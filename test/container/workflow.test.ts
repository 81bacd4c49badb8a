import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { delimiter } from "node:path";
import { checkAnswers } from "../../scripts/image/check-answers.ts";
import { SBOM } from "../../scripts/image/files.ts";
import { takeAssets } from "../../scripts/release/assets.ts";
import { TARGETS } from "../../scripts/release/tags.ts";
import { docker } from "../../scripts/shell/commands.ts";
import { openRunner, type Runner } from "../workflow-commands.ts";
import { readImageFile } from "./container.ts";
import { RUN, tagOf } from "./images.ts";

/** The names in test.yml of its images, and of the run of these tests. */
const CI = "thimble-ci";
const ON_GITHUB = RUN === CI;
const IMAGES = TARGETS.map((target) => `${CI}:${target}`);
let runner: Runner;

beforeAll(async () => {
  runner = openRunner();
  if (ON_GITHUB) return;
  for (const target of TARGETS) await docker("tag", tagOf(target), `${CI}:${target}`);
});

afterAll(async () => {
  // On GitHub these are the images themselves, which `--built` must not remove.
  if (!ON_GITHUB) await docker("image", "rm", ...IMAGES);
  runner.close();
});

test("both images fit their budgets, as the workflow measures them", async () => {
  const { exitCode, stderr, summary } = await runner.step("bun scripts/image/budget.ts thimble-ci");
  expect(stderr).toBe("");
  for (const target of TARGETS) {
    for (const what of ["image", "pull"]) {
      expect(summary).toMatch(new RegExp(`\\| ${target} \\| ${what} \\| [^\\n]* \\| fits \\|`));
    }
  }
  expect(exitCode).toBe(0);
  expect(await runner.read("dist/image-budget.md")).toBe(summary);
});

for (const target of TARGETS) {
  test(`the scanned bill of materials is the image's own: ${target}`, async () => {
    const file = `dist/${target}.cdx.json`;
    const step = `bun scripts/image/files.ts thimble-ci:${target} ${file}`;
    expect(await runner.step(step)).toMatchObject({ exitCode: 0 });
    expect(await runner.read(file)).toBe(await readImageFile(tagOf(target), SBOM));
  });
}

// There, this run itself is the test.
test.skipIf(ON_GITHUB)(
  "test:container --built tests the images, and does not remove them",
  async () => {
    const one = "the scanned bill of materials";
    const command = `bun run test:container --built --test-name-pattern "${one}"`;
    // If npm started this run, its Bun is not in PATH; on GitHub's machines it is.
    const PATH = [runner.at("."), process.env.PATH].join(delimiter);
    const env = { PATH, HOME: process.env.HOME ?? "", THIMBLE_TEST_RUN: CI };
    const { stderr, exitCode } = await runner.step(`cd '${process.cwd()}'; ${command}`, env);
    expect(stderr).toContain(`${TARGETS.length} pass\n`);
    expect(exitCode).toBe(0);
    for (const image of IMAGES) expect(await docker("image", "ls", "--quiet", image)).not.toBe("");
  },
);

test("test:container --built reports missing images, and builds none", async () => {
  const { exitCode, stderr } = await runner.step("bun scripts/image/test-container.ts --built", {
    THIMBLE_TEST_RUN: "thimble-absent",
  });
  expect(stderr).toBe(
    "thimble: there is no image thimble-absent:standard; build it, or leave out --built\n",
  );
  expect(exitCode).toBe(1);
});

describe("before a tag moves, its image", () => {
  for (const target of TARGETS) {
    test(`is run, and its health is checked: ${target}`, async () => {
      expect(await checkAnswers(tagOf(target))).toMatchObject({ status: "healthy" });
    });
  }

  test("is refused, with its log, if it does not start", async () => {
    const id = await docker("create", tagOf("standard"));
    await docker("commit", "--change=ENV PORT=none", id, tagOf("broken"));
    await docker("rm", "--volumes", id);
    await expect(checkAnswers(tagOf("broken"))).rejects.toThrow(
      /is exited [^\n]*\n[\s\S]*PORT is "none"; it must be a port number/,
    );
  });
});

test("a release offers the executable of the image, with its checksum", async () => {
  const architecture = await docker("version", "--format={{.Server.Arch}}");
  const before = process.cwd();
  process.chdir(runner.at("."));
  try {
    await takeAssets("v1.2.3", { [architecture]: tagOf("standard") });
  } finally {
    process.chdir(before);
  }
  const name = `thimble-1.2.3-linux-${architecture}`;
  const { stdout, exitCode } = await runner.step(
    `cd dist/release; sha256sum --check SHA256SUMS; ./${name} --version`,
  );
  expect(stdout).toMatch(new RegExp(`^${name}: OK\n${name}\\.sbom\\.cdx\\.json: OK\n.*\\d\n$`));
  expect(exitCode).toBe(0);
});
