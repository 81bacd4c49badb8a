import { describe, expect, test } from "bun:test";
import { hardPhrases, unreleased } from "./plain-english.ts";

const found = (text: string) => hardPhrases(text).map(({ line, phrase }) => `${line} ${phrase}`);

describe("hardPhrases", () => {
  test("finds each phrase and identifier, in the order of the lines", () => {
    const text = "Whoever calls.\n\nfunction createGatekeeper() {}\n// Sent anew, once more.\n";
    expect(found(text)).toEqual(["1 whoever", "3 Gatekeeper", "4 anew", "4 once more"]);
  });

  test("finds a phrase that a line break parts", () => {
    for (const text of ["under\nway", "// under\n  // way", " * under\n * way", "# under\n# way"]) {
      expect(found(text)).toEqual(["1 under way"]);
    }
  });

  test("leaves longer words alone", () => {
    expect(found("besides, renewed, a verdict, whomever, 0anew")).toEqual([]);
  });

  test("allows a phrase where it is the usual word, and only there", () => {
    expect(found("It runs behind\n// a proxy.\nIt runs behind it.\n")).toEqual(["3 behind"]);
  });

  test("says what to write instead", () => {
    expect(hardPhrases("By default; unless told.")).toEqual([
      { line: 1, phrase: "unless told", instead: "by default" },
    ]);
  });
});

test("unreleased leaves out what is released", () => {
  const changelog = "# Changelog\n\n## [Unreleased]\n\n- New\n\n## [1.0.0] - 2026-01-01\n\n- Old\n";
  expect(unreleased(changelog)).toBe("# Changelog\n\n## [Unreleased]\n\n- New\n\n");
});
