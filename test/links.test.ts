import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { scripts } from "../package.json";

const listing = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard"]);
const tracked = listing.stdout.toString().split("\n");
/** Bun's licence text is not ours, and has its own links. */
const documents = tracked.filter((path) => path.endsWith(".md") && !/^licenses\/.+\//.test(path));
const textOf = (path: string) => readFileSync(path, "utf8");

/** A heading's name in links, as GitHub makes it. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("the documents' links", () => {
  test("are checked in more than zero documents", () => {
    expect(documents).toEqual(expect.arrayContaining(["README.md", "docs/runtimes.md"]));
  });

  for (const path of documents.filter((each) => existsSync(each))) {
    test(`of ${path} have targets`, () => {
      const links = [...textOf(path).matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
      for (const [link, file = "", anchor] of links) {
        const target = file === "" ? path : join(dirname(path), file);
        expect({ link, exists: existsSync(target) }).toEqual({ link, exists: true });
        if (anchor)
          expect({ link, anchors: anchorsOf(textOf(target)) }).toMatchObject({
            anchors: expect.arrayContaining([anchor]),
          });
      }
    });

    test(`of ${path} name existing commands`, () => {
      const named = [...textOf(path).matchAll(/\b(?:npm|bun) run ([a-z][\w:]*)/g)];
      for (const [, name = ""] of named) expect(Object.keys(scripts)).toContain(name);
    });
  }
});

describe("the issue forms", () => {
  const forms = tracked.filter((path) => /ISSUE_TEMPLATE\/(?!config)/.test(path));

  for (const path of forms) {
    test(`${path} is valid for GitHub`, () => {
      const form = Bun.YAML.parse(textOf(path));
      expect(form).toMatchObject({
        name: expect.stringMatching(/\w/),
        description: expect.stringMatching(/\w/),
        body: expect.arrayContaining([expect.objectContaining({ type: "textarea" })]),
      });
    });
  }
});
