import { describe, expect, test } from "bun:test";
import { inconsistentPins, readWorkflows, workflowProblems } from "./workflow-rules.ts";

const SOUND = `name: Sound
on:
  pull_request:
permissions:
  contents: read
concurrency:
  group: sound
defaults:
  run:
    shell: bash --noprofile --norc -euo pipefail {0}
jobs:
  check:
    runs-on: ubuntu-24.04-arm
    timeout-minutes: 5
    permissions:
      contents: read
      attestations: write
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - uses: oven-sh/setup-bun@0c5077e51419868618aeaa5fe8019c62421857d6 # v2.2.0
        with:
          bun-version-file: package.json
      - run: bun run check:static
      - run: bun scripts/workflow-rules.ts
  called:
    uses: ./.github/workflows/test.yml
`;

const problemsOf = (text: string) => workflowProblems({ path: "it.yml", text });

test("a sound workflow passes", () => {
  expect(problemsOf(SOUND)).toEqual([]);
});

/** What is replaced by what, and the complaint about it. */
const FAULTS: [what: string, from: string, to: string, problem: string][] = [
  ["no concurrency", "concurrency:\n  group: sound\n", "", "it.yml: it has no concurrency group"],
  [
    "a shell that goes on after errors",
    "bash --noprofile --norc -euo pipefail {0}",
    "bash {0}",
    "it.yml: defaults.run.shell has to be bash --noprofile --norc -euo pipefail {0}",
  ],
  [
    "a step with another shell",
    "      - run: bun run check:static\n",
    "      - run: bun run check:static\n        shell: sh\n",
    "it.yml: check: a step has a shell of its own",
  ],
  ["no timeout", "    timeout-minutes: 5\n", "", "it.yml: check: it has no timeout-minutes"],
  [
    "a secret for pull requests",
    "bun run check:static\n",
    `bun run check:static\n        env:\n          TOKEN: \${{ secrets.TOKEN }}\n`,
    "it.yml: it has secrets, and runs for pull requests",
  ],
  [
    "a command as root that is nobody's",
    "bun run check:static",
    `sudo --preserve-env env "PATH=$PATH" curl https://example.com`,
    `it.yml: check: not a script of this repository: sudo --preserve-env env "PATH=$PATH" curl https://example.com`,
  ],
  [
    "an expression in a command",
    "bun run check:static",
    `bun run check:static \${{ github.ref_name }}`,
    `it.yml: check: an expression in a command: bun run check:static \${{ github.ref_name }}`,
  ],
  [
    "a script in YAML",
    "run: bun run check:static",
    "run: |\n          true\n          false",
    "it.yml: check: more than a line of shell; make it a script: true\nfalse",
  ],
  [
    "a command of nobody's",
    "bun run check:static",
    "curl https://example.com/install.sh",
    "it.yml: check: not a script of this repository: curl https://example.com/install.sh",
  ],
  [
    "a script that package.json lacks",
    "bun run check:static",
    "bun run check:nothing",
    "it.yml: check: package.json has no script check:nothing",
  ],
  [
    "a file that is not there",
    "scripts/workflow-rules.ts",
    "scripts/check-nothing.ts",
    "it.yml: check: there is no scripts/check-nothing.ts",
  ],
  [
    "an input that names no file",
    "bun-version-file: package.json",
    "bun-version-file: .bun-version",
    "it.yml: check: there is no .bun-version",
  ],
  [
    "a workflow that is not there",
    "workflows/test.yml",
    "workflows/nothing.yml",
    "it.yml: called: there is no ./.github/workflows/nothing.yml",
  ],
  [
    "what the schema does not know",
    "runs-on: ubuntu-24.04-arm",
    "runs-on: ubuntu-24.04-arm\n    colour: red",
    "it.yml: schema: it (Line: 14, Col: 5): Unexpected value 'colour'",
  ],
];

describe("a workflow is refused with", () => {
  for (const [what, from, to, problem] of FAULTS) {
    test(what, () => {
      const faulty = SOUND.replace(from, to);
      expect(faulty).not.toBe(SOUND);
      expect(problemsOf(faulty)).toContain(problem);
    });
  }

  for (const [what, from, to, problem] of [
    ["a job that needs none", "    timeout", "    needs: nothing\n    timeout", '"nothing"'],
    ["a runner of no kind", "ubuntu-24.04-arm", "ubuntu-4.04", '"ubuntu-4.04" is unknown'],
    ["a right of no kind", "attestations: write", "everything: write", '"everything"'],
    [
      "an output of no step",
      "check:static\n",
      `check:static\n        env: { A: "\${{ steps.no.outputs.a }}" }\n`,
      '"no"',
    ],
  ] as const) {
    test(`${what}, by actionlint`, () => {
      const found = problemsOf(SOUND.replace(from, to)).join("\n");
      expect(found).toMatch(/it\.yml: \d+: actionlint: /);
      expect(found).toContain(problem);
    });
  }
});

test("an action is pinned to one commit everywhere", () => {
  const other = SOUND.replace("3d3c42e5", "00000000").replace("v7.0.1", "v7.0.0");
  const sources = [SOUND, SOUND, other].map((text) => ({ path: "it.yml", text }));
  expect(inconsistentPins(sources.slice(0, 2))).toEqual([]);
  expect(inconsistentPins(sources)).toEqual([
    "actions/checkout is pinned to 3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1 and " +
      "00000000aac5ba805825da76410c181273ba90b1 # v7.0.0",
  ]);
});

test("a tool that an action brings has one version everywhere", () => {
  const tool = (version: string) =>
    SOUND.replace("bun-version-file: package.json", `version: ${version}`);
  const sources = ["v1.0.0", "v1.0.0", "v1.0.1"].map((each) => ({
    path: "it.yml",
    text: tool(each),
  }));
  expect(inconsistentPins(sources.slice(0, 2))).toEqual([]);
  expect(inconsistentPins(sources)).toEqual([
    "version of oven-sh/setup-bun is pinned to v1.0.0 and v1.0.1",
  ]);
});

describe("the workflows of this repository", async () => {
  const sources = await readWorkflows();

  test("are those that docs/pipeline.md describes", async () => {
    const described = await Bun.file("docs/pipeline.md").text();
    expect(sources.length).toBeGreaterThan(0);
    for (const { path } of sources) expect(described).toContain(`\`${path.split("/").at(-1)}\``);
  });

  test("pass, and say so", () => {
    const { stdout, stderr, exitCode } = Bun.spawnSync([
      process.execPath,
      "scripts/workflow-rules.ts",
    ]);
    expect(stderr.toString()).toBe("");
    expect(stdout.toString()).toBe(`${sources.length} workflows checked\n`);
    expect(exitCode).toBe(0);
  });
});
