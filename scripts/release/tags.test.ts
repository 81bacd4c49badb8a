import { describe, expect, test } from "bun:test";
import { imageRepositories, imageTags, tagOfRun } from "./tags.ts";

const SHA = "0123456789abcdef0123456789abcdef01234567";
const COMMIT = "sha-0123456789ab";

const TABLE: [ref: string, moving: string[]][] = [
  ["refs/heads/main", ["main", "latest"]],
  ["refs/tags/v1.2.3", ["1.2.3", "1.2", "1"]],
  ["refs/tags/v10.0.0", ["10.0.0", "10.0", "10"]],
  ["refs/tags/v0.4.0", ["0.4.0", "0.4"]],
  ["refs/tags/v1.0.0-rc.1", ["1.0.0-rc.1"]],
];

describe("imageTags", () => {
  for (const [ref, moving] of TABLE) {
    test(`of ${ref} are ${moving.join(", ")}`, () => {
      expect(imageTags({ ref, sha: SHA }, "tiny")).toEqual({ fixed: [COMMIT], moving });
      expect(imageTags({ ref, sha: SHA }, "standard")).toEqual({
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
    test(`of v1.2.3 next to ${released?.join(", ")} are ${moving?.join(", ")}`, () => {
      const trigger = { ref: "refs/tags/v1.2.3", sha: SHA };
      expect(imageTags(trigger, "tiny", released).moving).toEqual(moving ?? []);
    });
  }

  for (const ref of [
    "refs/heads/fix",
    "refs/pull/12/merge",
    "refs/tags/v1",
    "refs/tags/1.2.3",
    "refs/tags/v1.2.3+build",
    "refs/tags/vx.y.z",
  ]) {
    test(`refuses ${ref}`, () => {
      expect(() => imageTags({ ref, sha: SHA }, "tiny")).toThrow(
        `${ref} is no release; expected refs/tags/vMAJOR.MINOR.PATCH`,
      );
    });
  }

  test("only main has latest", () => {
    const latest = TABLE.filter(([, moving]) => moving.includes("latest"));
    expect(new Set(latest.map(([ref]) => ref))).toEqual(new Set(["refs/heads/main"]));
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
    expect(imageRepositories("Owner/Repository")).toEqual(["ghcr.io/owner/repository"]);
  });

  test("have Docker Hub's where there is an account", () => {
    expect(imageRepositories("Owner/Repository", "Somebody")).toEqual([
      "ghcr.io/owner/repository",
      "docker.io/somebody/repository",
    ]);
  });
});
