import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inTemporaryDirectory } from "../test/service.ts";
import { quickTests } from "./test.ts";

setDefaultTimeout(30_000);

const FILES = {
  "src/sum.ts": "export const sum = (a: number, b: number) => a + b;\n",
  "src/sum.test.ts": `
    import { expect, test } from "bun:test";
    import { sum } from "./sum.ts";
    test("adds", () => { console.error("noise"); expect(sum(1, 2)).toBe(3); });
    test.skip("subtracts", () => {});`,
};

const FAILING = {
  ...FILES,
  "src/wrong.test.ts": `
    import { describe, expect, test } from "bun:test";
    describe("math", () => {
      test("is wrong", () => { console.error("a hint"); expect(1).toBe(2); });
      test("is right", () => { expect(1).toBe(1); });
    });`,
};

/** Runs the script in a project of these files, with this one's rules on coverage. */
async function run(files: Record<string, string>, args: string[] = [], env = {}) {
  return await inTemporaryDirectory(async (directory) => {
    const rules = readFileSync("bunfig.toml", "utf8").replace(/^preload = .+\n/m, "");
    writeFileSync(join(directory, "bunfig.toml"), rules);
    for (const [name, text] of Object.entries(files)) await Bun.write(join(directory, name), text);
    const summary = join(directory, "summary.md");
    writeFileSync(summary, "");
    const script = join(import.meta.dir, "test.ts");
    const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, script, ...args], {
      cwd: directory,
      env: { PATH: process.env.PATH ?? "", GITHUB_STEP_SUMMARY: summary, ...env },
    });
    const text = stderr.toString().replaceAll(/\d+\.\d\d s|\[.+s\]/g, "TIME");
    return { exitCode, stdout: stdout.toString(), text, summary: await Bun.file(summary).text() };
  });
}

describe("where all tests pass", () => {
  test("there is a line a file, the coverage, and Bun's counts at the end", async () => {
    const { exitCode, stdout, text, summary } = await run(FILES);
    expect(stdout).toMatch(/^bun test v.+\n$/);
    expect(text).toBe(
      "   TIME  src/sum.test.ts\n\n" +
        " 1 pass\n 1 skip\n 0 fail\n 1 expect() calls\nRan 2 tests across 1 file. TIME\n\n" +
        "coverage: 100.0 % of lines\n",
    );
    expect(summary).toContain("| src/sum.ts | 100.0 % | 100.0 % |");
    expect(exitCode).toBe(0);
  });

  test("GitHub's groups change nothing", async () => {
    const { text } = await run(FILES, [], { GITHUB_ACTIONS: "true" });
    expect(text).toBe((await run(FILES)).text);
  });

  test("those that are named run alone, and their coverage is not measured", async () => {
    const { text, exitCode, summary } = await run(FAILING, ["./src/sum.test.ts"]);
    expect(text).not.toContain("coverage");
    expect(text).toContain(" 1 pass\n");
    expect(summary).toBe("");
    expect(exitCode).toBe(0);
  });

  test("too little coverage fails, and names the file", async () => {
    const uncalled = `${FILES["src/sum.ts"]}export function more() {\n  return 1;\n}\n`;
    const { text, exitCode } = await run({ ...FILES, "src/sum.ts": uncalled });
    expect(text).toContain("\ncoverage is too low: ");
    expect(text).toMatch(/\n {2}src\/sum\.ts: \d+\.\d % of lines, 50\.0 % of functions\n/);
    expect(exitCode).toBe(1);
  });
});

describe("where tests fail", () => {
  test("what failed comes after the files, and the names last", async () => {
    const { text, exitCode } = await run(FAILING);
    const [files = ""] = text.split("\n\n");
    expect(files.split("\n").toSorted()).toEqual([
      "   TIME  src/sum.test.ts",
      "   TIME  src/wrong.test.ts  1 failed",
    ]);
    expect(text).not.toContain("noise");
    expect(text).toMatch(/\n 2 pass\n 1 skip\n 1 fail\n.+\nRan 4 tests/);
    expect(text).toEndWith("\nfailed (1):\nsrc/wrong.test.ts: math > is wrong\n");
    expect(exitCode).toBe(1);
  });

  // Alone, because Bun mixes what several files print at the same time.
  test("what a test printed, and why it failed, comes with its name", async () => {
    const { text } = await run({ "src/wrong.test.ts": FAILING["src/wrong.test.ts"] });
    expect(text).toMatch(/src\/wrong\.test\.ts:[\s\S]*a hint[\s\S]*Expected: 2\nReceived: 1/);
  });

  test("a file that cannot be loaded has failed", async () => {
    const { text, exitCode } = await run({ "src/broken.test.ts": `import "./nothing.ts";` });
    expect(text).toStartWith("   TIME  src/broken.test.ts  1 failed\n");
    expect(text).toContain("Cannot find module './nothing.ts'");
    expect(text).toMatch(/\n 0 pass\n 1 fail\n 1 error\n[\s\S]+\nfailed \(1\):\n.+\n$/);
    expect(exitCode).toBe(1);
  });

  test("Bun's own words stay where it runs nothing", async () => {
    const { text, exitCode } = await run(FILES, ["./src/nothing.test.ts"]);
    expect(text).toContain("./src/nothing.test.ts");
    expect(exitCode).toBe(1);
  });
});

test("a part that there is not is refused", async () => {
  const { text, exitCode } = await run(FILES, ["--part", "moon"]);
  expect(text).toBe(
    "thimble: expected one of node, deno, workerd, lambda, postgres, quick, not moon\n",
  );
  expect(exitCode).toBe(64);
});

test("the quick tests are unit tests without a process, and the contract in this one", async () => {
  const quick = await quickTests();
  expect(quick).toContain("./src/config/config.test.ts");
  expect(quick).toContain("./test/http.test.ts");
  for (const slow of ["scripts/test.test.ts", "src/database/postgres/pool.test.ts"]) {
    expect(await Bun.file(slow).exists()).toBe(true);
    expect(quick).not.toContain(`./${slow}`);
  }
});
