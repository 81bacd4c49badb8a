import { describe, expect, test } from "bun:test";
import { releaseNotes } from "./release-notes.ts";

const CHANGELOG = `# Changelog

All notable changes.

## Unreleased

## [1.1.0] - 2026-12-01

### Added

- Shelves.

## 1.0.0 (2026-11-20)

- The service,
  on two lines.
- Another.

## 0.9.0
### Removed

[1.1.0]: https://example.com/compare/v1.0.0...v1.1.0
`;

describe("releaseNotes", () => {
  for (const [version, notes] of [
    ["1.1.0", "### Added\n\n- Shelves."],
    ["v1.1.0", "### Added\n\n- Shelves."],
    ["1.0.0", "- The service,\n  on two lines.\n- Another."],
    ["0.9.0", "### Removed"],
  ] as const) {
    test(`of ${version}`, () => {
      expect(releaseNotes(CHANGELOG, version)).toBe(notes);
    });
  }

  for (const version of ["1.0", "1.0.0-rc.1", "2.0.0"]) {
    test(`without a section for ${version} name those that there are`, () => {
      expect(() => releaseNotes(CHANGELOG, version)).toThrow(
        `CHANGELOG.md has no section ${version}; it has Unreleased, 1.1.0, 1.0.0, 0.9.0`,
      );
    });
  }

  test("are not published empty", () => {
    expect(() => releaseNotes(CHANGELOG, "Unreleased")).toThrow(
      "CHANGELOG.md says nothing about Unreleased",
    );
  });
});

describe("bun scripts/release-notes.ts", () => {
  const run = (...args: string[]) =>
    Bun.spawnSync([process.execPath, "scripts/release-notes.ts", ...args]);

  test("asks for a version", () => {
    const { stderr, exitCode } = run();
    expect(stderr.toString()).toBe("thimble: expected a version, such as 1.2.3 or Unreleased\n");
    expect(exitCode).toBe(1);
  });

  test("says in one line that there is no such release", () => {
    const { stdout, stderr, exitCode } = run("99.0.0");
    expect(stdout.toString()).toBe("");
    expect(stderr.toString()).toMatch(/^thimble: CHANGELOG\.md has no section 99\.0\.0; .+\n$/);
    expect(exitCode).toBe(1);
  });
});
