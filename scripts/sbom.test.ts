import { expect, test } from "bun:test";
import { sbom } from "./sbom.ts";

const CONTENTS = {
  service: { name: "thimble", version: "1.2.3", license: "MIT" },
  bun: "1.4.4",
  packages: [{ name: "@scope/package", version: "2.0.0", license: "ISC" }],
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
  expect(sbom(CONTENTS).components.map(({ purl }) => purl)).toEqual([
    "pkg:npm/bun@1.4.4",
    "pkg:npm/%40scope/package@2.0.0",
    "pkg:deb/debian/libc6@2.41-12%2Bdeb13u4?arch=arm64&upstream=glibc",
  ]);
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
