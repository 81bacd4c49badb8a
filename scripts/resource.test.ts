import { describe, expect, test } from "bun:test";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inTemporaryDirectory } from "../test/service.ts";

const ROOT = join(import.meta.dir, "..");

const NOTES = `import { text } from "./resources/field.ts";
import { defineResource } from "./resources/resource.ts";

export const readingNotes = defineResource("reading_notes", {
  one: "reading_note",
  fields: { title: text({ max: 100 }), body: text({ max: 10_000, optional: true }) },
  search: ["title", "body"],
  sort: ["title"],
});
`;

async function run(root: string, ...args: string[]) {
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, DATA_DIR: join(root, "data") },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, stdout, stderr };
}

/** A copy of what the script reads. */
function inCopy(use: (root: string) => Promise<void>): Promise<void> {
  return inTemporaryDirectory(async (root) => {
    for (const name of ["src", "scripts", "package.json", "tsconfig.json"]) {
      cpSync(join(ROOT, name), join(root, name), { recursive: true });
    }
    symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
    await use(root);
  });
}

function addToService(root: string): void {
  writeFileSync(join(root, "src/reading-notes.ts"), NOTES);
  const path = join(root, "src/service.ts");
  const service = readFileSync(path, "utf8")
    .replace('import { books } from "./books.ts";\n', (line) => {
      return `${line}import { readingNotes } from "./reading-notes.ts";\n`;
    })
    .replace(/RESOURCES = \[(.+)\]/, "RESOURCES = [$1, readingNotes]");
  writeFileSync(path, service);
}

describe("bun run resource NAME", () => {
  test("writes a migration for each database, which the service applies", () =>
    inCopy(async (root) => {
      addToService(root);
      const version = (await run(root, "src/adapters/bun.ts", "migrate")).stdout.trim().at(-1);
      const next = Number(version) + 1;
      const number = String(next).padStart(4, "0");
      expect(await run(root, "scripts/resource.ts", "reading_notes")).toEqual({
        code: 0,
        stdout: ["sqlite", "postgres"]
          .map((kind) => {
            const migrations = "src/database/migrations";
            return `${migrations}/${kind}/${number}-reading-notes.sql\n${migrations}/${kind}.ts\n`;
          })
          .join(""),
        stderr: "",
      });
      for (const kind of ["sqlite", "postgres"]) {
        const list = readFileSync(join(root, `src/database/migrations/${kind}.ts`), "utf8");
        const file = `./${kind}/${number}-reading-notes.sql`;
        expect(list).toContain(`\nimport readingNotes from "${file}" with { type: "text" };\n\n`);
        expect(list).toEndWith(
          `\n  { version: ${next}, name: "reading_notes", sql: readingNotes },\n];\n`,
        );
      }
      expect((await run(root, "src/adapters/bun.ts", "migrate")).stdout).toBe(
        "Migrations applied: 1\n",
      );
      const lines = join(root, "notes.ndjson");
      writeFileSync(lines, '{"title":"Emma"}\n');
      const imported = await run(root, "src/adapters/bun.ts", "import", "reading_notes", lines);
      expect(imported.stderr).toStartWith("Imported 1 reading note in ");

      const again = await run(root, "scripts/resource.ts", "reading_notes");
      expect(again).toMatchObject({ code: 1, stdout: "" });
      expect(again.stderr).toStartWith("thimble: reading_notes has a table already; ");
    }));

  test("refuses what is no resource", async () => {
    expect(await run(ROOT, "scripts/resource.ts", "no_such")).toEqual({
      code: 64,
      stdout: "",
      stderr: expect.stringMatching(/^thimble: there is no resource no_such, only books/),
    });
    for (const args of [[], ["books", "no_such"]]) {
      expect(await run(ROOT, "scripts/resource.ts", ...args)).toEqual({
        code: 64,
        stdout: "",
        stderr: "thimble: expected the NAME of a resource\n",
      });
    }
  });
});
