import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { buildArguments, versionOf, webAddress } from "./labels.ts";

describe("versionOf", () => {
  const next = packageJson.version;
  for (const [described, version] of [
    ["v1.2.3", "1.2.3"],
    ["v1.2.3-dirty", `${next}+v1.2.3-dirty`],
    ["v1.2.3-4-g5d9ebf0", `${next}+v1.2.3-4-g5d9ebf0`],
    ["v1.2.3-rc.1", "1.2.3-rc.1"],
    ["v1.2.3-rc.1-4-g5d9ebf0", `${next}+v1.2.3-rc.1-4-g5d9ebf0`],
    ["v1.2.3-rc.1-dirty", `${next}+v1.2.3-rc.1-dirty`],
    ["5d9ebf0", `${next}+5d9ebf0`],
    [undefined, `${next}+unknown`],
  ] as const) {
    test(`${described} is ${version}`, () => {
      expect(versionOf(described)).toBe(version);
    });
  }
});

describe("webAddress", () => {
  for (const [remote, address] of [
    ["https://example.com/owner/thimble.git", "https://example.com/owner/thimble"],
    ["https://user:secret@example.com/owner/thimble", "https://example.com/owner/thimble"],
    ["git@example.com:owner/thimble.git", "https://example.com/owner/thimble"],
    ["ssh://git@example.com:2222/owner/thimble.git", "https://example.com/owner/thimble"],
    ["/srv/git/thimble.git", undefined],
    ["../thimble", undefined],
    ["", undefined],
  ] as const) {
    test(`of ${remote || "no remote"} is ${address}`, () => {
      expect(webAddress(remote)).toBe(address);
    });
  }
});

test("an empty SOURCE_DATE_EPOCH is none: the time is that of the commit", () => {
  const before = process.env.SOURCE_DATE_EPOCH;
  const timeOf = (epoch: string) => {
    process.env.SOURCE_DATE_EPOCH = epoch;
    const { SOURCE_DATE_EPOCH, CREATED } = buildArguments();
    return { SOURCE_DATE_EPOCH, CREATED };
  };
  try {
    const git = Bun.spawnSync(["git", "log", "-1", "--format=%ct"]).stdout.toString().trim();
    expect(timeOf("")).toEqual({
      SOURCE_DATE_EPOCH: git,
      CREATED: new Date(Number(git) * 1000).toISOString(),
    });
    expect(timeOf("1")).toEqual({ SOURCE_DATE_EPOCH: "1", CREATED: "1970-01-01T00:00:01.000Z" });
  } finally {
    if (before === undefined) delete process.env.SOURCE_DATE_EPOCH;
    else process.env.SOURCE_DATE_EPOCH = before;
  }
});

test("bun scripts/build/labels.ts gives each to the steps of a workflow", async () => {
  const file = join(tmpdir(), `thimble-output-${crypto.randomUUID()}`);
  Bun.spawnSync([process.execPath, "scripts/build/labels.ts"], {
    env: { ...process.env, GITHUB_OUTPUT: file },
  });
  const lines = (await Bun.file(file).text()).split("\n");
  rmSync(file);
  expect(lines[0]).toStartWith("arguments<<");
  expect(lines.at(-2)).toBe(lines[0]?.replace("arguments<<", "") ?? "");
  expect(lines.slice(1, -2).map((line) => line.split("=")[0])).toEqual(
    Object.keys(buildArguments()),
  );
});
