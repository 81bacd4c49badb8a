import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sqliteMigrations } from "../../src/database/migrations/sqlite.ts";
import { type Clone, inClone } from "../../test/clone.ts";
import { REMOVED } from "./removed.ts";

// They run the checks of the services that they make.
setDefaultTimeout(600_000);

const SCRIPT = "scripts/new/main.ts";
const NOTES = ["notes", "title:text(200)", "done:boolean", "due:instant?"];

/** Other tests keep this machine busy meanwhile, so each of these may take longer than alone. */
const QUICK = ["run", "test:quick", "--timeout=120000"];

const make = ({ run }: Clone, ...args: string[]) => run(process.execPath, SCRIPT, ...args);

/** A step of what has to pass in a service that was made. */
function expectPass({ run }: Clone, ...command: string[]): void {
  const { code, stdout, stderr } = run(process.execPath, ...command);
  expect({ code, output: code === 0 ? "" : (stdout + stderr).slice(-6000) }).toEqual({
    code: 0,
    output: "",
  });
}

function expectChecksPass(clone: Clone): void {
  expectPass(clone, "run", "check:static");
  expectPass(clone, ...QUICK);
  expectPass(clone, "test", "./test/resources/", "./test/schema.test.ts", "./test/links.test.ts");
}

describe("npm run new", () => {
  test("makes a service with a name and a resource of its own, whose checks pass", () =>
    inClone((clone) => {
      const { git, read, run, root } = clone;
      const made = make(clone, "my-api", ...NOTES);
      expect(made).toMatchObject({ code: 0, stderr: "" });
      git("add", "--all");
      const changed = git("diff", "--cached", "--name-only", "--no-renames").split("\n");
      const said = made.stdout.split("\n\n")[0]?.replaceAll(" (removed)", "").split("\n");
      expect(said?.toSorted()).toEqual(changed.toSorted());
      git("commit", "--quiet", "--message=Begin my-api");

      expect(git("grep", "--ignore-case", "--files-with-matches", "thimble").split("\n")).toEqual([
        "LICENSE",
        "bun.lock",
        "scripts/manifests/packages/bun.lock",
        "test/openapi/bun.lock",
        "test/runtimes/node/bun.lock",
      ]);
      for (const { path } of REMOVED) {
        expect({ path, tracked: git("ls-files", path) }).toEqual({ path, tracked: "" });
      }
      expect(read("README.md")).toStartWith("# My API\n");
      expect(read("README.md")).not.toMatch(/\bbooks?\b/i);
      expect(read("Dockerfile")).toContain('description="My API: an HTTP API with notes."');
      expect(read("deploy/helm/my-api/Chart.yaml")).toMatch(
        /^name: my-api\n(.+\n)+version: 0\.1\.0$/m,
      );
      expect(read("CHANGELOG.md")).toEndWith("## Unreleased\n");
      expect(read("deploy/swarm/stack.yml")).toContain("node.labels.my-api.database == true");
      expect(existsSync(join(root, "src/books.ts"))).toBe(false);
      expect(run(process.execPath, "src/adapters/bun.ts", "--version").stdout).toBe(
        "my-api 0.1.0\n",
      );

      expectChecksPass(clone);
      expectPass(clone, "test", "./test/readme.test.ts", "./test/helm/", "./scripts/resource/");
    }));

  test("keeps the books with --keep-books", () =>
    inClone((clone) => {
      const { read } = clone;
      expect(make(clone, "my-api", ...NOTES, "--keep-books")).toMatchObject({
        code: 0,
        stderr: "",
      });
      expect(read("src/service.ts")).toContain("RESOURCES = [books, notes]");
      expect(read("docs/api.md")).toContain("| `POST /books` | `books:write` | Add a book |");
      expectChecksPass(clone);
    }));

  test("refuses what is wrong, and changes nothing", () =>
    inClone((clone) => {
      const { git, root } = clone;
      const refused: [args: string[], says: string][] = [
        [[], "expected NAME -- RESOURCE FIELD... [--one NAME] [--keep-books]; received nothing"],
        [["my-api"], "expected NAME -- RESOURCE FIELD..."],
        [["my-api", "notes"], "expected NAME -- RESOURCE FIELD..."],
        [["my-api", ...NOTES, "--keep"], "Unknown option '--keep'"],
        [
          ["My API", ...NOTES],
          '"My API" is no name of a service; expected at most 40 small letters',
        ],
        [["@me/api", ...NOTES], '"@me/api" is no name of a service'],
        [["http", ...NOTES], "npm refuses the name http"],
        [["thimble", ...NOTES], "the service is called thimble already"],
        [["my-api", "notes", "title:string"], 'the field "title:string" has the kind "string"'],
        [["my-api", "notes", "id:integer"], "the name id has a meaning of its own"],
        [["my-api", "health", "up:boolean"], "the service or SQLite uses this name"],
        [["my-api", "app", "up:boolean"], "src/app.ts is there already"],
      ];
      for (const [args, says] of refused) {
        const { code, stdout, stderr } = make(clone, ...args);
        expect({ args, code, stdout }).toEqual({ args, code: 64, stdout: "" });
        expect(stderr).toContain(says);
      }
      writeFileSync(join(root, "mine.txt"), "not committed\n");
      const { code, stdout, stderr } = make(clone, "my-api", ...NOTES);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toContain(
        "there are changes that are not committed; commit or stash them:\n?? mine.txt",
      );
      expect(git("status", "--porcelain")).toBe("?? mine.txt");
    }));
});

test("the first migration makes the tables of the engine as those of this service do", async () => {
  const engine = await Bun.file(join(import.meta.dir, "engine/sqlite.sql")).text();
  const names = ["idempotency_keys", "imports", "search_words"];
  const columnsOf = (scripts: readonly string[]) => {
    const database = new DatabaseSync(":memory:");
    for (const sql of scripts) database.exec(sql);
    const columns = database.prepare('SELECT name, type, "notnull", pk FROM pragma_table_info(?)');
    return names.map((name) => columns.all(name).map((row) => ({ ...row })));
  };
  expect(columnsOf([engine])).toEqual(columnsOf(sqliteMigrations.map(({ sql }) => sql)));
});

test("no code of the service says its name: it comes from package.json", async () => {
  const src = join(import.meta.dir, "../../src");
  const files = await Array.fromAsync(new Bun.Glob("**/*.ts").scan(src));
  const own = files.filter((file) => !file.endsWith(".test.ts"));
  const saying = own.map(async (file) => {
    const lines = (await Bun.file(join(src, file)).text()).split("\n");
    const isComment = (line: string) => /^\s*(\*|\/\*|\/\/)/.test(line);
    return lines
      .filter((line) => !isComment(line) && /thimble/i.test(line))
      .map((line) => `${file}: ${line}`);
  });
  expect((await Promise.all(saying)).flat()).toEqual([]);
});
