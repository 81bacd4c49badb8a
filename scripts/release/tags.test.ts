import { describe, expect, test } from "bun:test";
import { imageRepositories, imageTags, TARGETS, tagOfRun } from "./tags.ts";

const SHA = "0123456789abcdef0123456789abcdef01234567";
const COMMIT = "sha-0123456789ab";

const TABLE: [event: string, ref: string, moving: string[]][] = [
  ["push", "refs/heads/main", ["main", "latest"]],
  ["workflow_dispatch", "refs/heads/main", ["main", "latest"]],
  ["push", "refs/heads/fix/Some_thing", ["fix-Some_thing"]],
  ["push", "refs/heads/-.odd name", ["odd-name"]],
  ["push", "refs/heads/ü", ["branch"]],
  ["push", "refs/heads/maintenance", ["maintenance"]],
  ["pull_request", "refs/pull/12/merge", ["pr-12"]],
  ["push", "refs/tags/v1.2.3", ["1.2.3", "1.2", "1"]],
  ["push", "refs/tags/v10.0.0", ["10.0.0", "10.0", "10"]],
  ["push", "refs/tags/v0.4.0", ["0.4.0", "0.4"]],
  ["push", "refs/tags/v1.0.0-rc.1", ["1.0.0-rc.1"]],
];

describe("imageTags", () => {
  for (const [event, ref, moving] of TABLE) {
    test(`of ${event} at ${ref} are ${moving.join(", ")}`, () => {
      expect(imageTags({ event, ref, sha: SHA }, "tiny")).toEqual({ fixed: [COMMIT], moving });
      expect(imageTags({ event, ref, sha: SHA }, "standard")).toEqual({
        fixed: [`${COMMIT}-standard`],
        moving: moving.map((tag) => `${tag}-standard`),
      });
    });
  }

  for (const [released, moving] of [
    [
      ["v1.2.2", "v1.1.9"],
      ["1.2.3", "1.2", "1"],
    ],
    [["v1.3.0"], ["1.2.3", "1.2"]],
    [["v1.2.10"], ["1.2.3"]],
    [
      ["v2.0.0", "v10.0.0", "v1.2.3"],
      ["1.2.3", "1.2", "1"],
    ],
  ]) {
    test(`of v1.2.3 beside ${released?.join(", ")} are ${moving?.join(", ")}`, () => {
      const trigger = { event: "push", ref: "refs/tags/v1.2.3", sha: SHA };
      expect(imageTags(trigger, "tiny", released).moving).toEqual(moving ?? []);
    });
  }

  for (const ref of [
    "refs/tags/v1",
    "refs/tags/1.2.3",
    "refs/tags/v1.2.3+build",
    "refs/tags/vx.y.z",
  ]) {
    test(`refuses ${ref}`, () => {
      expect(() => imageTags({ event: "push", ref, sha: SHA }, "tiny")).toThrow(
        `${ref} is no release; expected refs/tags/vMAJOR.MINOR.PATCH`,
      );
    });
  }

  test("are never longer than Docker allows", () => {
    const trigger = { event: "push", ref: `refs/heads/${"long".repeat(100)}`, sha: SHA };
    for (const target of TARGETS) {
      const { fixed, moving } = imageTags(trigger, target);
      for (const tag of [...fixed, ...moving]) expect(tag).toMatch(/^\w[\w.-]{0,127}$/);
      expect(moving[0]?.endsWith("-standard")).toBe(target === "standard");
    }
  });

  test("only main has latest", () => {
    const latest = TABLE.filter(([, , moving]) => moving.includes("latest"));
    expect(new Set(latest.map(([, ref]) => ref))).toEqual(new Set(["refs/heads/main"]));
  });
});

test("tagOfRun differs by run, by attempt and by target", () => {
  const tags = [
    tagOfRun("42", "1", "tiny"),
    tagOfRun("42", "2", "tiny"),
    tagOfRun("43", "1", "tiny"),
    tagOfRun("42", "1", "standard"),
  ];
  expect(tags).toEqual(["run-42-1", "run-42-2", "run-43-1", "run-42-1-standard"]);
});

describe("imageRepositories", () => {
  test("are in lower case, as registries ask for", () => {
    expect(imageRepositories("Owner/Thimble")).toEqual(["ghcr.io/owner/thimble"]);
  });

  test("have Docker Hub's where there is an account", () => {
    expect(imageRepositories("Owner/Thimble", "Somebody")).toEqual([
      "ghcr.io/owner/thimble",
      "docker.io/somebody/thimble",
    ]);
  });
});

describe("bun scripts/release/tags.ts", () => {
  const run = (args: string[], env: Record<string, string>) =>
    Bun.spawnSync([process.execPath, "scripts/release/tags.ts", ...args], {
      env: { PATH: process.env.PATH ?? "", ...env },
    });
  const env = {
    GITHUB_EVENT_NAME: "push",
    GITHUB_REF: "refs/heads/main",
    GITHUB_SHA: SHA,
    GITHUB_REPOSITORY: "Owner/thimble",
  };

  test("prints the repository and all names", () => {
    const { stdout, exitCode } = run(["standard"], env);
    expect(stdout.toString()).toBe(
      "repository=ghcr.io/owner/thimble\n" +
        `names=ghcr.io/owner/thimble:${COMMIT}-standard\n` +
        "ghcr.io/owner/thimble:main-standard\nghcr.io/owner/thimble:latest-standard\n",
    );
    expect(exitCode).toBe(0);
  });

  test("says what is missing, and what was expected", () => {
    const unset = run(["tiny"], { ...env, GITHUB_REF: "" });
    expect(unset.stderr.toString()).toBe("thimble: GITHUB_REF is not set\n");
    expect(unset.exitCode).toBe(1);
    const wrong = run(["huge"], env);
    expect(wrong.stderr.toString()).toBe("thimble: expected one of standard, tiny, not huge\n");
    expect(wrong.exitCode).toBe(64);
  });
});
