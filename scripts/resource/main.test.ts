import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { name } from "../../package.json" with { type: "json" };
import { sqliteMigrations } from "../../src/database/migrations/sqlite.ts";
import { RESOURCES } from "../../src/service.ts";
import { type Clone, inClone, type Ran } from "../../test/clone.ts";

// Each call also brings tables and forms up to date, which takes a second or two.
setDefaultTimeout(60_000);

const [FIRST] = RESOURCES;
const { version: VERSION = 0, compatibleFrom: COMPATIBLE_FROM } = sqliteMigrations.at(-1) ?? {};
const NAMES = RESOURCES.map((resource) => resource.name).join(", ");
/** A service has one resource at least. */
const ONLY: [args: string[], says: string][] =
  RESOURCES.length > 1 ? [] : [[["remove", FIRST.name], `${FIRST.name} is the only resource`]];

/** A clone with the script and the program. */
function inService(
  use: (clone: Clone & Record<"resource" | "service", (...args: string[]) => Ran>) => void,
): Promise<void> {
  return inClone((clone) => {
    const script =
      (path: string) =>
      (...args: string[]) =>
        clone.run(process.execPath, path, ...args);
    const [resource, service] = ["scripts/resource/main.ts", "src/adapters/bun.ts"].map(script);
    if (resource && service) use({ ...clone, resource, service });
  });
}

/** The files that one resource is made of, besides those that list it. */
const MIGRATION = /src\/database\/migrations\/(sqlite|postgres)\/\d{4}-([\w-]+)\.sql/g;
const migrationsIn = (text: string) =>
  Array.from(text.matchAll(MIGRATION), ([, kind, name]) => `${kind} ${name}`);

describe("npm run resource --", () => {
  test("add writes a definition, its test and its table, and remove takes them away", () =>
    inService(({ root, git, resource, service, read }) => {
      const before = service("migrate").stdout;
      const added = resource("add", "reading_notes", "title:text(100)", "body:text(9000)?");
      expect(added).toMatchObject({ code: 0, stderr: "" });
      const files = added.stdout.trim().split("\n");
      expect(files).toEqual(
        expect.arrayContaining([
          "src/reading-notes.ts",
          "src/service.ts",
          "test/resources/reading-notes.test.ts",
          "docs/api.md",
        ]),
      );
      expect(migrationsIn(added.stdout)).toEqual([
        "sqlite reading-notes",
        "postgres reading-notes",
      ]);
      expect(read("src/service.ts")).toMatch(/RESOURCES = \[[\w, ]+, readingNotes\]/);
      expect(read("docs/api.md")).toContain("| `POST /reading_notes` | `reading_notes:write` |");

      expect(before).toMatch(/^Migrations applied: \d+\n$/);
      expect(service("migrate").stdout).toBe("Migrations applied: 1\n");
      writeFileSync(join(root, "notes.ndjson"), '{"title":"Emma"}\n');
      const imported = service("import", "reading_notes", "notes.ndjson");
      expect(imported.stderr).toStartWith("Imported 1 reading note in ");
      git("clean", "--force", "--quiet", "notes.ndjson");

      expect(resource("add", "reading_notes", "title:text")).toMatchObject({
        code: 64,
        stdout: "",
      });
      expect(resource("add", "reading_notes").stderr).toStartWith(
        `${name}: reading_notes has a table already; `,
      );

      expect(resource("remove", "reading_notes")).toMatchObject({ code: 0, stderr: "" });
      expect(git("status", "--porcelain")).toBe("");
    }));

  test("remove drops the table of what is committed", () =>
    inService(({ git, resource, service, read }) => {
      resource("add", "tags", "label:text(40)");
      service("migrate");
      git("add", "--all");
      git("commit", "--quiet", "--message=Add tags");
      const removed = resource("remove", "tags");
      expect(removed).toMatchObject({ code: 0, stderr: "" });
      expect(removed.stdout).toContain("src/tags.ts (removed)\n");
      expect(migrationsIn(removed.stdout)).toEqual(["sqlite drop-tags", "postgres drop-tags"]);
      for (const kind of ["sqlite", "postgres"]) {
        const list = read(`src/database/migrations/${kind}.ts`);
        const [made, dropped] = list.match(/(?<=compatibleFrom: )\d+/g)?.slice(-2) ?? [];
        // A table more is nothing to earlier releases; one less is.
        expect([made, dropped]).toEqual([`${COMPATIBLE_FROM}`, `${VERSION + 2}`]);
      }
      expect(read("docs/api.md")).not.toContain("/tags");
      expect(service("migrate")).toMatchObject({ code: 0, stdout: "Migrations applied: 1\n" });
    }));

  test("refuses what is wrong, and changes nothing", () =>
    inService(({ git, resource }) => {
      const refused: [args: string[], says: string][] = [
        [[], "expected add NAME"],
        [["add"], "expected add NAME"],
        [["list", "notes"], "expected add NAME"],
        [["remove", FIRST.name, "more"], "expected add NAME"],
        [["add", "no_such"], `there is no resource no_such, only ${NAMES}`],
        [["remove", "no_such"], `there is no resource no_such, only ${NAMES}`],
        ...ONLY,
        [["add", FIRST.name, "a:boolean"], `has ${FIRST.name} already`],
        [["add", "notes", "title:string"], 'has the kind "string"'],
        [["add", "app", "a:boolean"], "src/app.ts is there already"],
        [["add", "auth", "a:boolean"], "src/auth is there already"],
        [["add", "class", "a:boolean"], "class is a word of TypeScript"],
        [["add", "text", "a:boolean"], "text is a word of TypeScript"],
        [["add", "notes", "a:boolean", "--two", "b"], "expected add NAME"],
      ];
      for (const [args, says] of refused) {
        const { code, stdout, stderr } = resource(...args);
        expect({ args, code, stdout }).toEqual({ args, code: 64, stdout: "" });
        expect(stderr).toStartWith(`${name}: `);
        expect(stderr).toContain(says);
      }
      expect(git("status", "--porcelain")).toBe("");
    }));
});
