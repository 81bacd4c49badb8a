import { describe, expect, test } from "bun:test";
import { releasedVersions, releaseNotes, unreleased, withRelease } from "./changelog.ts";

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

describe("the notes of a release", () => {
  const changelog = `${HEAD}## Unreleased\n\n${RELEASED}\n## 0.9.0\n### Removed\n`;

  for (const [version, notes] of [
    ["1.1.0", "- Shelves."],
    ["v1.1.0", "- Shelves."],
    ["1.0.0", "- Books."],
    ["0.9.0", "### Removed"],
  ] as const) {
    test(`are those under ${version}`, () => {
      expect(releaseNotes(changelog, version)).toBe(notes);
    });
  }

  for (const version of ["1.0", "1.0.0-rc.1", "2.0.0"]) {
    test(`without a section for ${version} are refused, with those that there are`, () => {
      expect(() => releaseNotes(changelog, version)).toThrow(
        `CHANGELOG.md has no section ${version}; it has Unreleased, 1.1.0, 1.0.0, 0.9.0`,
      );
    });
  }

  test("are not published empty", () => {
    expect(() => releaseNotes(changelog, "Unreleased")).toThrow(
      "CHANGELOG.md says nothing about Unreleased",
    );
  });

  test("are what was unreleased, once it is released", () => {
    const released = withRelease(`${HEAD}## Unreleased\n\n- Readers.\n`, "2.0.0", DATE);
    expect(releaseNotes(released, "v2.0.0")).toBe("- Readers.");
  });
});
