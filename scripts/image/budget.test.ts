import { describe, expect, test } from "bun:test";
import { BUDGETS, budgetTable, fits } from "./budget.ts";

const MB = 1_000_000;
const BUDGET = { image: 45 * MB, pull: 44 * MB };
const row = (image: number, pull: number) =>
  ({ target: "tiny", size: { image, pull }, budget: BUDGET }) as const;

describe("budgetTable", () => {
  test("has each size, its budget and what is left of it", () => {
    const lines = budgetTable([row(44.6 * MB, 41.999 * MB)]).split("\n");
    expect(lines).toContain("| tiny | image | 44.6 | 45.0 | 400 | fits |");
    expect(lines).toContain("| tiny | pull | 42.0 | 44.0 | 2001 | fits |");
  });

  test("says what is too large", () => {
    expect(budgetTable([row(45 * MB + 1000, 42 * MB)])).toContain(
      "| tiny | image | 45.0 | 45.0 | -1 | **too large** |",
    );
  });
});

describe("fits", () => {
  for (const [image, pull, expected] of [
    [45 * MB, 44 * MB, true],
    [45 * MB + 1, 44 * MB, false],
    [45 * MB, 44 * MB + 1, false],
  ] as const) {
    test(`${image} and ${pull} bytes: ${expected}`, () => {
      expect(fits(row(image, pull))).toBe(expected);
    });
  }
});

describe("the budgets", () => {
  test("are those of docs/containers.md", async () => {
    const page = await Bun.file("docs/containers.md").text();
    for (const [what, label] of [
      ["image", "image, at most"],
      ["pull", "pull, at most"],
    ] as const) {
      const { tiny, standard } = BUDGETS;
      const line = page.split("\n").find((each) => each.startsWith(`| ${label} |`));
      expect(line).toBe(`| ${label} | ${tiny[what] / MB} MB | ${standard[what] / MB} MB |`);
    }
  });
});

test("without an engine it says so in one line", () => {
  const { exitCode, stderr } = Bun.spawnSync(
    [process.execPath, "scripts/image/budget.ts", "thimble-ci"],
    { env: { ...process.env, DOCKER_HOST: "unix:///no/such/engine.sock" } },
  );
  expect(stderr.toString()).toMatch(/^thimble: no Docker engine answers \(.+\); .+\n$/);
  expect(exitCode).toBe(1);
});
