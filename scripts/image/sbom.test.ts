import { describe, expect, test } from "bun:test";
import { changesOfBun } from "../build/changes.ts";
import { sbom, systemOf } from "./sbom.ts";

const CONTENTS = {
  service: { name: "thimble", version: "1.2.3", license: "MIT" },
  bun: "1.4.4",
  changes: changesOfBun(new Set(["de", "fr"])),
  packages: [{ name: "@scope/package", version: "2.0.0", license: "ISC" }],
  parts: {
    bun: [
      { name: "sqlite3", version: "3.53.4", purl: "pkg:conan/sqlite3@3.53.4" },
      { name: "brotli", purl: "pkg:github/google/brotli" },
    ],
    "@scope/package": [{ name: "react", version: "18.3.1", purl: "pkg:npm/react@18.3.1" }],
    "not-bundled": [{ name: "left-pad", version: "1.0.0", purl: "pkg:npm/left-pad@1.0.0" }],
  },
  system: { name: "debian", version: "13" },
  libraries: [
    {
      name: "libc6",
      version: "2.41-12+deb13u4",
      architecture: "arm64",
      source: "glibc",
      files: ["/lib/ld-linux-aarch64.so.1"],
    },
  ],
  launcher: [],
  epoch: 1_700_000_000,
};

test("addresses each component as scanners look it up", () => {
  const purls = sbom(CONTENTS).components.map((each) => ("purl" in each ? each.purl : each.type));
  expect(purls).toEqual([
    "operating-system",
    "pkg:npm/bun@1.4.4",
    "pkg:npm/%40scope/package@2.0.0",
    "pkg:conan/sqlite3@3.53.4",
    "pkg:github/google/brotli",
    "pkg:npm/react@18.3.1",
    "pkg:deb/debian/libc6@2.41-12%2Bdeb13u4?arch=arm64&distro=debian-13&upstream=glibc",
  ]);
});

test("says which component a library is inside of", () => {
  expect(sbom(CONTENTS).dependencies).toEqual([
    {
      ref: "pkg:npm/bun@1.4.4",
      dependsOn: ["pkg:conan/sqlite3@3.53.4", "pkg:github/google/brotli"],
    },
    { ref: "pkg:npm/%40scope/package@2.0.0", dependsOn: ["pkg:npm/react@18.3.1"] },
  ]);
});

describe("Bun's pedigree", () => {
  const pedigreeOf = (changes: readonly string[]) => {
    const { components } = sbom({ ...CONTENTS, changes });
    const bun = components.find(({ name }) => name === "bun");
    return bun && "pedigree" in bun ? bun.pedigree : undefined;
  };

  test("names the version it was made from, and each change", () => {
    expect(pedigreeOf(CONTENTS.changes)).toEqual({
      ancestors: [{ type: "framework", name: "bun", version: "1.4.4", purl: "pkg:npm/bun@1.4.4" }],
      patches: Array(3).fill({ type: "unofficial" }),
      notes: CONTENTS.changes.join(" "),
    });
    expect(CONTENTS.changes[0]).toContain("BUN_BE_BUN, BUN_OPTIONS");
    expect(CONTENTS.changes[1]).toEndWith("but these is left out: en, de, fr.");
  });

  test("has only the variables where Bun stays whole otherwise", () => {
    expect(pedigreeOf(changesOfBun(undefined))?.patches).toHaveLength(1);
  });
});

test("says to scanners for which release a library was packaged, and from which source", () => {
  const { components } = sbom(CONTENTS);
  expect(components.filter(({ type }) => type === "operating-system")).toEqual([
    { type: "operating-system", "bom-ref": "debian-13", name: "debian", version: "13" },
  ]);
  expect(components.find(({ name }) => name === "libc6")).toMatchObject({
    properties: [{ name: "aquasecurity:trivy:SrcName", value: "glibc" }],
  });
});

describe("the operating system", () => {
  for (const [what, osRelease, version] of [
    ["as Debian writes it", 'NAME="Debian GNU/Linux"\nVERSION_ID="13"\nID=debian\n', "13"],
    ["without quotes", "ID=debian\nID_LIKE=other\nVERSION_ID=12\n", "12"],
  ] as const) {
    test(`is read ${what}`, () => {
      expect(systemOf(osRelease)).toEqual({ name: "debian", version });
    });
  }

  for (const osRelease of ["", "ID=debian\n", 'VERSION_ID="13"\nID_LIKE=debian\n']) {
    test(`ends the build where it is not said: ${JSON.stringify(osRelease)}`, () => {
      expect(() => systemOf(osRelease)).toThrow("/etc/os-release has no ID or no VERSION_ID");
    });
  }
});

test("names each component once, for other documents to refer to", () => {
  const references = sbom(CONTENTS).components.map((component) => component["bom-ref"]);
  expect(new Set(references).size).toBe(references.length);
});

test("says when it was made and for what", () => {
  expect(sbom(CONTENTS).metadata).toMatchObject({
    timestamp: "2023-11-14T22:13:20.000Z",
    component: { name: "thimble", version: "1.2.3" },
  });
});

test("ends the build where a library's licence is not known", () => {
  const [library] = CONTENTS.libraries;
  const libraries = library ? [{ ...library, source: "openssl" }] : [];
  expect(() => sbom({ ...CONTENTS, libraries })).toThrow("licence of Debian's openssl");
});
