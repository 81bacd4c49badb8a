import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import packageJson from "../../package.json" with { type: "json" };
import { bunLibraries, LIBRARIES, NOT_LINKED, type Part } from "./bun-libraries.ts";
import { releaseIn } from "./bun-releases.ts";

const LICENSE = readFileSync("licenses/bun/LICENSE.md", "utf8");
const EXECUTABLE = readFileSync(process.execPath, "latin1");
/** A newer Bun has other commits; the image is built with the pinned one. */
const isPinned = packageJson.packageManager === `bun@${Bun.version}`;
const RELEASE = /^\d+(\.\d+)+$/;

describe.skipIf(!isPinned)("the libraries in the pinned Bun", () => {
  const libraries = isPinned ? bunLibraries(LICENSE, EXECUTABLE) : [];
  const named = (name: string): Part | undefined => libraries.find((each) => each.name === name);

  test("are all that process.versions names, but for what is not linked", () => {
    const known = [...Object.keys(LIBRARIES), ...NOT_LINKED];
    expect(Object.keys(process.versions).toSorted()).toEqual(known.toSorted());
  });

  test("are all that Bun's licence names", () => {
    const names = Object.values(LIBRARIES).flatMap((each) => ("listed" in each ? each.listed : []));
    for (const name of names) expect(LICENSE).toContain(`[\`${name}\`]`);
    expect(libraries.length).toBeGreaterThan(Object.keys(LIBRARIES).length);
    expect(named("brotli")).toEqual({ name: "brotli", purl: "pkg:github/google/brotli" });
    expect(named("libuv")).toBeUndefined(); // only on Windows
  });

  test("have the version that the library itself says", () => {
    const database = new Database(":memory:");
    const row = database.query("SELECT sqlite_version() AS version").get();
    database.close();
    expect(row).toEqual({ version: named("sqlite3")?.version ?? "" });
  });

  test("have a release that scanners compare, where there are releases", () => {
    for (const name of ["c-ares", "icu", "libarchive", "libjpeg-turbo", "sqlite3", "zstd"]) {
      const { version, purl, cpe } = named(name) ?? {};
      expect(version).toMatch(RELEASE);
      expect(purl).toBe(`pkg:conan/${name}@${version}`);
      expect(cpe?.split(":")[5]).toBe(version);
    }
  });

  test("have their commit where it is no release", () => {
    const { version, purl } = named("boringssl") ?? {};
    expect(version).toMatch(/^[0-9a-f]{40}$/);
    expect(purl).toBe(`pkg:github/oven-sh/boringssl@${version}`);
  });

  test("are named once, for other documents to refer to", () => {
    expect(new Set(libraries.map(({ purl }) => purl)).size).toBe(libraries.length);
  });
});

test.skipIf(!isPinned)("an old version is named as scanners look it up", () => {
  const old = bunLibraries(LICENSE, EXECUTABLE, { ...process.versions, sqlite: "3.39.1" });
  expect(old).toContainEqual({
    name: "sqlite3",
    version: "3.39.1",
    purl: "pkg:conan/sqlite3@3.39.1",
    cpe: "cpe:2.3:a:sqlite:sqlite:3.39.1:*:*:*:*:*:*:*",
  });
});

describe.skipIf(!isPinned)("the bill of materials is not made", () => {
  const commit = "0".repeat(40);
  for (const [what, executable, versions, message] of [
    [
      "for a commit whose release was not looked up",
      EXECUTABLE,
      { ares: commit },
      `bun-releases.json does not have c-ares/c-ares at ${commit}; run bun scripts/image/bun-releases.ts`,
    ],
    ["without a version", EXECUTABLE, { sqlite: undefined }, "its version of sqlite3; update"],
    ["of an executable that says less", "", {}, "its version of libjpeg-turbo; update"],
  ] as const) {
    test(what, () => {
      const all = { ...process.versions, ...versions };
      expect(() => bunLibraries(LICENSE, executable, all)).toThrow(message);
    });
  }
});

describe("the release of a commit", () => {
  const tags = [
    `${"a".repeat(40)}\trefs/tags/v1.34.7`,
    `${"b".repeat(40)}\trefs/tags/v1.34.8`,
    `${"c".repeat(40)}\trefs/tags/v1.34.8^{}`,
    `${"d".repeat(40)}\trefs/tags/2.3.3`,
    `${"e".repeat(40)}\trefs/tags/v2.0.0-rc1`,
  ].join("\n");
  for (const [what, letter, release] of [
    ["its tag says", "a", "1.34.7"],
    ["an annotated tag says", "c", "1.34.8"],
    ["a tag without a v says", "d", "2.3.3"],
    ["a candidate is not", "e", null],
    ["no tag says", "f", null],
  ] as const) {
    test(`${what}: ${release}`, () => {
      expect(releaseIn(tags, letter.repeat(40))).toBe(release);
    });
  }
});
