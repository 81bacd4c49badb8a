import { describe, expect, test } from "bun:test";
import { releasedVersions, unreleased, withRelease } from "./changelog.ts";

const HEAD = "# Changelog\n\nAll notable changes.\n\n";
const RELEASED = "## [1.1.0] - 2026-02-03\n\n- Shelves.\n\n## 1.0.0 - 2026-01-02\n\n- Books.\n";
const DATE = new Date("2026-11-20T23:59:00Z");

describe("withRelease", () => {
  for (const [what, before, after] of [
    [
      "the first",
      `${HEAD}## Unreleased\n\n- Books.\n`,
      `${HEAD}## Unreleased\n\n## 2.0.0 - 2026-11-20\n\n- Books.\n`,
    ],
    [
      "a later one",
      `${HEAD}## Unreleased\n\n### Added\n\n- Readers,\n  too.\n\n\n${RELEASED}`,
      `${HEAD}## Unreleased\n\n## 2.0.0 - 2026-11-20\n\n### Added\n\n- Readers,\n  too.\n\n${RELEASED}`,
    ],
    [
      "one of a file that begins with it",
      "## Unreleased\n- Books.",
      "## Unreleased\n\n## 2.0.0 - 2026-11-20\n\n- Books.\n",
    ],
  ] as const) {
    test(`moves what is unreleased under ${what}`, () => {
      const written = withRelease(before, "2.0.0", DATE);
      expect(written).toBe(after);
      expect(unreleased(written)).toBe("");
    });
  }
});

test("unreleased is what stands under its heading, to the next", () => {
  expect(unreleased(`${HEAD}## Unreleased\n\n- Books.\n\n${RELEASED}`)).toBe("- Books.");
});

test("released are the versions with a section", () => {
  expect(releasedVersions(`${HEAD}## Unreleased\n\n- Not 3.0.0.\n\n${RELEASED}`)).toEqual([
    "1.1.0",
    "1.0.0",
  ]);
});

test("a changelog without the section is refused", () => {
  expect(() => unreleased(`${HEAD}${RELEASED}`)).toThrow(
    'CHANGELOG.md has no section "## Unreleased"',
  );
});
