import { describe, expect, test } from "bun:test";
import { EXCEPTIONS, identifiersOf, requireAllowed } from "./license-policy.ts";

const require = (license: string, name = "example") =>
  requireAllowed({ name, version: "1.2.3", license });

describe("is allowed", () => {
  for (const license of [
    "MIT",
    "MIT AND ISC",
    "(MIT OR GPL-3.0-only)",
    "GPL-3.0-only OR MIT",
    "(MIT AND Zlib) OR Apache-2.0",
  ]) {
    test(license, () => {
      expect(() => require(license)).not.toThrow();
    });
  }
});

describe("is not allowed", () => {
  for (const license of [
    "GPL-3.0-only",
    "UNLICENSED",
    "MIT AND GPL-3.0-only",
    "GPL-3.0-only AND (MIT OR ISC)",
    "MIT WITH Classpath-exception-2.0",
  ]) {
    test(license, () => {
      expect(() => require(license)).toThrow(license);
    });
  }
});

describe("is no expression, and so not allowed", () => {
  for (const license of ["", "SEE LICENSE IN LICENSE.md", "MIT OR", "(MIT", "MIT)", "MIT ISC"]) {
    test(license || "nothing", () => {
      expect(() => require(license)).toThrow(
        `example@1.2.3: "${license}" is no SPDX license expression`,
      );
    });
  }
});

test("the component that may not be bundled is named, with its licence and where to allow it", () => {
  expect(() => require("GPL-3.0-only")).toThrow(
    "example@1.2.3 is under GPL-3.0-only, which scripts/image/license-policy.ts does not allow",
  );
});

test("an exception is for the component that it names", () => {
  expect(() => require("LGPL-2.1-or-later", "libc6")).not.toThrow();
  expect(() => require("LGPL-2.1-or-later", "libc7")).toThrow("libc7@1.2.3 is under LGPL");
});

test("every exception has its reason", () => {
  for (const { licenses, reason } of Object.values(EXCEPTIONS)) {
    expect(licenses.length).toBeGreaterThan(0);
    expect(reason).toMatch(/\w+ \w+/);
  }
});

test("the identifiers of an expression are all of them", () => {
  expect(identifiersOf("(MIT OR GPL-2.0-only WITH GCC-exception-2.0) AND Zlib")).toEqual([
    "MIT",
    "GPL-2.0-only WITH GCC-exception-2.0",
    "Zlib",
  ]);
});
