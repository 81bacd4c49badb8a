import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Build, buildTwice } from "./reproducible.ts";

setDefaultTimeout(120_000);

const SCRIPT = "scripts/image/reproducible.ts";
const run = (args: string[], env: Record<string, string> = {}) =>
  Bun.spawnSync([process.execPath, SCRIPT, ...args], { env: { ...process.env, ...env } });

test("the executable is the same, wherever it is built", () => {
  const { exitCode, stdout, stderr } = run(["executable"]);
  expect(stderr.toString()).toBe("");
  expect(stdout.toString()).toMatch(/^executable sha256:[0-9a-f]{64}\n$/);
  expect(exitCode).toBe(0);
});

test("what there is none of is refused, with what there is", () => {
  const { exitCode, stderr } = run(["executable", "huge"]);
  expect(stderr.toString()).toBe("thimble: unknown: huge (there are executable, standard, tiny)\n");
  expect(exitCode).toBe(64);
});

test("without a Docker engine, it says so before it builds anything", () => {
  const { exitCode, stdout, stderr } = run([], { DOCKER_HOST: "unix:///no/such/engine.sock" });
  expect(stderr.toString()).toContain("no Docker engine answers");
  expect(stdout.toString()).toBe("");
  expect(exitCode).toBe(1);
});

describe("two builds", () => {
  /** Builds that come out as these digests, one after the other. */
  const builds = (...digests: string[]) => {
    const removed: string[] = [];
    const build = async (): Promise<Build> => {
      const digest = digests.shift() ?? "";
      const place = `${digest} ${digests.length}`;
      return { digest, place, remove: () => removed.push(place) };
    };
    return { build, removed };
  };

  test("that are the same are removed", async () => {
    const { build, removed } = builds("a", "a");
    expect(await buildTwice("x", build)).toBe("a");
    expect(removed).toEqual(["a 1", "a 0"]);
  });

  test("that differ are kept, and named", async () => {
    const { build, removed } = builds("a", "b");
    await expect(buildTwice("x", build)).rejects.toThrow(
      "two clean builds of x differ: a (a 1) and b (b 0)",
    );
    expect(removed).toEqual([]);
  });

  test("leave nothing behind where the second fails", async () => {
    const { build, removed } = builds("a");
    let started = 0;
    const failing = async () => {
      started += 1;
      if (started === 2) throw new Error("no");
      return await build();
    };
    await expect(buildTwice("x", failing)).rejects.toThrow("no");
    expect(removed).toEqual(["a 0"]);
  });
});
