import { Database } from "bun:sqlite";
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { books } from "../src/books.ts";
import type { Resource } from "../src/resources/resource.ts";
import { createStore } from "../src/resources/stores/create-store.ts";
import { CommandError } from "../src/server/failure.ts";
import { backUp } from "../src/transfer/backup/backup.ts";
import { writeLines } from "../src/transfer/import/batches.ts";
import { openInput } from "../src/transfer/import/input.ts";
import { scanLines } from "../src/transfer/import/scan.ts";
import { openTransfer } from "../src/transfer/open.ts";
import {
  type Book,
  configOf,
  everyEntry,
  KINDS,
  type Kind,
  openPlace,
  openPlaceDatabase,
  type Place,
  runHere,
  someBooks,
  sqlitePath,
  toLines,
  withStore,
} from "./data.ts";
import { RESOURCES } from "./example/service.ts";
import { eventually, newDirectory } from "./service.ts";

// A busy machine may take longer than Bun's five seconds for two databases.
setDefaultTimeout(60_000);

const directory = newDirectory();
const dropped: Place[] = [];
let files = 0;

afterAll(async () => {
  for (const { drop } of dropped) await drop();
});

const newFile = (name = "file") => join(directory, `${name}-${++files}`);

function fileWith(content: string | Uint8Array): string {
  const path = newFile();
  writeFileSync(path, content);
  return path;
}

async function empty(kind: Kind): Promise<Place> {
  const place = await openPlace(kind);
  dropped.push(place);
  return place;
}

/** A file, where it is there, and those that were to become it. */
function leftBy(path: string): string[] {
  const names = readdirSync(directory).map((name) => join(directory, name));
  return names.filter((name) => name === path || name.startsWith(`${path}.`));
}

const run = async (place: Place, ...args: string[]) => runHere(place, args);

async function succeed(place: Place, ...args: string[]): Promise<string> {
  const result = await run(place, ...args);
  expect(result).toEqual({ code: 0, stdout: "", stderr: expect.any(String) });
  return result.stderr;
}

/** A database with these books. */
async function filled(kind: Kind, books: readonly unknown[]): Promise<Place> {
  const place = await empty(kind);
  await succeed(place, "import", "books", fileWith(toLines(books)));
  return place;
}

/** The books of a database, as `export` says them. */
async function exported(place: Place): Promise<Book[]> {
  const path = newFile("export");
  await succeed(place, "export", "books", path);
  const lines = readFileSync(path, "utf8").split("\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => JSON.parse(line));
}

/** What the service itself stores. */
const SERVICE = { resources: RESOURCES, clock: Date.now };
const DUNE = { title: "Dune", author: "Frank Herbert", year: 1965 };
/** More than go into one page, and one that fills no statement of many rows. */
const BOOKS = someBooks(2061);

for (const from of KINDS) {
  for (const to of KINDS) {
    test(`a backup of ${from} is restored into ${to} with everything that there was`, async () => {
      const source = await filled(from, BOOKS);
      const { last, created } = await withStore(source, books, async (store) => {
        const { entry } = await store.create(DUNE, "a-key");
        const { entry: highest } = await store.create(DUNE);
        await store.delete(highest.id);
        return { last: highest.id, created: entry };
      });
      const file = newFile("backup");
      expect(await succeed(source, "backup", file)).toMatch(
        /^Backed up 2,062 books(, 0 \w+)* in \d+\.\d s to .+, \d\.\d MB$/,
      );

      const target = await empty(to);
      const said = await succeed(target, "restore", file);
      expect(said).toMatch(/^Restored 2,062 books(, 0 \w+)* in \d+\.\d s from /);
      expect(await exported(target)).toEqual([...BOOKS, created]);
      await withStore(target, books, async (store) => {
        expect(await store.create(DUNE, "a-key")).toEqual({ entry: created, replayed: true });
        expect((await store.create(DUNE)).entry.id).toBe(last + 1);
        expect(await store.list(everyEntry(["oeuvres", "2060"]))).toEqual(BOOKS.slice(-1));
      });
    });
  }
}

for (const kind of KINDS) {
  describe(kind, () => {
    test("a backup can be served as it is", async () => {
      const file = newFile("backup");
      await succeed(await filled(kind, BOOKS.slice(0, 3)), "backup", file);
      expect(readdirSync(directory).filter((name) => name.startsWith(`${file}.`))).toEqual([]);
      const place = {
        env: { DATABASE_URL: `sqlite:${file}`, DATA_DIR: "." },
        drop: async () => {},
      };
      await withStore(place, books, async (served) => {
        expect(await served.list(everyEntry())).toEqual(BOOKS.slice(0, 3));
        expect(await served.list(everyEntry(["wri"]))).toHaveLength(3);
      });
    });

    test("a backup replaces an earlier one, and none is made of a database that is not there", async () => {
      const file = newFile("backup");
      await succeed(await filled(kind, BOOKS.slice(0, 3)), "backup", file);
      const before = readFileSync(file);
      const { code, stderr } = await run(await empty(kind), "backup", file);
      expect(code).toBe(78);
      expect(stderr).toMatch(/(There is no database .+|The database is empty: .+)\.$/);
      expect(readFileSync(file)).toEqual(before);
      await succeed(await filled(kind, BOOKS.slice(0, 4)), "backup", file);
      const target = await empty(kind);
      await succeed(target, "restore", file);
      expect(await exported(target)).toHaveLength(4);
    });

    test("restore refuses a database with books, and with --force replaces them", async () => {
      const file = newFile("backup");
      await succeed(await filled(kind, BOOKS.slice(0, 3)), "backup", file);
      const target = await filled(kind, [DUNE, DUNE]);
      const before = await exported(target);
      expect(await run(target, "restore", file)).toEqual({
        code: 1,
        stdout: "",
        stderr:
          "thimble: the database has 2 books already; --force removes them for those of the backup",
      });
      expect(await exported(target)).toEqual(before);
      await succeed(target, "restore", "--force", file);
      expect(await exported(target)).toEqual(BOOKS.slice(0, 3));
      await withStore(target, books, async (store) => {
        expect(await store.list(everyEntry(["dune"]))).toEqual([]);
        expect((await store.create(DUNE)).entry.id).toBe(8);
      });
    });

    test("no id is given out again that the database gave out before the restore", async () => {
      const file = newFile("backup");
      await succeed(await filled(kind, BOOKS.slice(0, 1)), "backup", file);
      const target = await filled(kind, [{ ...BOOKS[0], id: 500 }]);
      await succeed(target, "restore", "--force", file);
      await withStore(target, books, async (store) => {
        expect((await store.create(DUNE)).entry.id).toBe(501);
      });
    });

    test("a backup without books brings none, and no sample books", async () => {
      const file = newFile("backup");
      await succeed(await filled(kind, []), "backup", file);
      const target = await empty(kind);
      expect(await succeed(target, "restore", file)).toMatch(/^Restored 0 books(, 0 \w+)* in /);
      expect(await exported(target)).toEqual([]);
    });

    test("what is exported and imported again is the same, and again changes nothing", async () => {
      const source = await filled(kind, BOOKS);
      const file = newFile("export");
      await succeed(source, "export", "books", file);
      const target = await empty(kind);
      expect(await succeed(target, "import", "books", file)).toMatch(
        /^Imported 2,061 books in \d+\.\d s$/,
      );
      expect(await exported(target)).toEqual(BOOKS);
      expect(await succeed(target, "import", "books", file)).toMatch(
        /^Imported 0 books in \d+\.\d s; 2061 were there already$/,
      );
      expect(await exported(target)).toEqual(BOOKS);
      await withStore(target, books, async (store) => {
        expect(await store.list(everyEntry(["oeuvres", "2060"]))).toEqual(BOOKS.slice(-1));
        expect((await store.create(DUNE)).entry.id).toBe((BOOKS.at(-1)?.id ?? 0) + 1);
      });
    });

    test("new books get ids after those of the whole ones", async () => {
      const place = await filled(kind, [
        DUNE,
        ...BOOKS.slice(0, 2),
        { ...DUNE, title: " Trimmed " },
      ]);
      const books = await exported(place);
      expect(books.map(({ id, title }) => [id, title])).toEqual([
        [3, 'Book 0 of Œuvres "complètes" 𝕏'],
        [5, 'Book 1 of Œuvres "complètes" 𝕏'],
        [6, "Dune"],
        [7, "Trimmed"],
      ]);
      expect(books[2]?.created_at).toBe(books[3]?.updated_at ?? "");
    });

    test("one bad line of five leaves the database as it was", async () => {
      const place = await filled(kind, [DUNE]);
      const before = await exported(place);
      const lines = BOOKS.slice(0, 5).map((book) => JSON.stringify(book));
      lines[2] = '{"title":"","author":"A","year":1}';
      const file = fileWith(lines.join("\n"));
      expect(await run(place, "import", "books", file)).toEqual({
        code: 65,
        stdout: "",
        stderr: `thimble: ${file} cannot be imported, and nothing of it was written: line 3: title: The title is empty`,
      });
      expect(await exported(place)).toEqual(before);
    });

    test("a line with the id of another book is refused before anything is written", async () => {
      const place = await filled(kind, BOOKS.slice(0, 3));
      const others = [BOOKS[0], BOOKS[5], { ...BOOKS[1], year: 7 }, DUNE];
      const file = fileWith(toLines(others));
      const { code, stderr } = await run(place, "import", "books", file);
      expect(code).toBe(65);
      expect(stderr).toEndWith(": line 3: book 5 is there already, with other content");
      expect(await exported(place)).toEqual(BOOKS.slice(0, 3));
    });

    test("two lines with one id have to be the same", async () => {
      const place = await filled(kind, [...BOOKS.slice(0, 3), ...BOOKS.slice(1, 4)]);
      expect(await exported(place)).toEqual(BOOKS.slice(0, 4));
      const file = fileWith(toLines([BOOKS[9], BOOKS[8], { ...BOOKS[9], year: 7 }]));
      const { code, stderr } = await run(place, "import", "books", file);
      expect({ code, stderr }).toEqual({
        code: 65,
        stderr: expect.stringMatching(/: line 3: book 21 is there already[^\n]+$/),
      });
      expect(await exported(place)).toEqual(BOOKS.slice(0, 4));
    });

    test("an export that was cut short is resumed after its last whole line", async () => {
      const place = await filled(kind, BOOKS);
      const file = newFile("export");
      const lines = toLines(BOOKS);
      const cut = lines.indexOf(`{"id":${BOOKS[1500]?.id}`) + 20;
      writeFileSync(`${file}.part`, lines.slice(0, cut));
      expect(await succeed(place, "export", "books", "--resume", file)).toMatch(
        /^Exported 561 books in \d+\.\d s to .+, those after id 3001$/,
      );
      expect(readFileSync(file, "utf8")).toBe(lines);
      expect(existsSync(`${file}.part`)).toBe(false);
    });
  });
}

describe("an export", () => {
  test("to be resumed that did not get to its first line starts again", async () => {
    const place = await filled("SQLite", BOOKS.slice(0, 3));
    for (const part of [undefined, "", '{"id":3,"ti']) {
      const file = newFile("export");
      if (part !== undefined) writeFileSync(`${file}.part`, part);
      await succeed(place, "export", "books", "--resume", file);
      expect(readFileSync(file, "utf8")).toBe(toLines(BOOKS.slice(0, 3)));
    }
  });

  test("does not go on with what is none", async () => {
    const place = await filled("SQLite", BOOKS.slice(0, 3));
    for (const part of ["a letter\n", `${"x".repeat(300_000)}`, `{"id":"3"}\n`]) {
      const file = newFile("export");
      writeFileSync(`${file}.part`, part);
      const { code, stderr } = await run(place, "export", "books", "--resume", file);
      expect({ code, stderr }).toEqual({
        code: 65,
        stderr: `thimble: ${file}.part is no part of an export`,
      });
      expect(readFileSync(`${file}.part`, "utf8")).toBe(part);
    }
  });

  test("that fails leaves nothing where there was nothing", async () => {
    const file = newFile("export");
    const { code } = await run(await empty("SQLite"), "export", "books", file);
    expect(code).toBe(78);
    expect(existsSync(`${file}.part`)).toBe(false);
  });
});

describe("times", () => {
  const FIRST = "0001-01-01T00:00:00.000Z";
  const LAST = "9999-12-31T23:59:59.999Z";
  /** Whole books after more than one batch of good ones. */
  const behindBatches = (...times: string[]) => [
    ...someBooks(10_000),
    ...times.map((created_at, index) => ({
      ...{ id: 100_000 + index, ...DUNE },
      ...{ created_at, updated_at: LAST },
    })),
  ];

  test.each([...KINDS])("of the years 1 to 9999 are kept by %s", async (kind) => {
    const lines = behindBatches(FIRST, LAST);
    const source = await filled(kind, lines);
    expect((await exported(source)).slice(-2)).toEqual(lines.slice(-2));
    const file = newFile("backup");
    await succeed(source, "backup", file);
    const target = await empty(kind);
    await succeed(target, "restore", file);
    expect((await exported(target)).slice(-2)).toEqual(lines.slice(-2));
    await withStore(target, books, async (store) => {
      expect(await store.get(100_000)).toEqual(lines.at(-2));
    });
  });

  test.each([...KINDS])("beyond them are refused, with the line, by %s", async (kind) => {
    const beyond = [
      "0000-12-31T23:59:59.999Z",
      "0001-01-01T00:00:00+00:01",
      "9999-12-31T23:59:59.999-00:01",
      "0000-01-01T00:00:00+14:00",
    ];
    const place = await filled(kind, BOOKS.slice(0, 1));
    const file = fileWith(toLines(behindBatches(...beyond)));
    const { code, stderr } = await run(place, "import", "books", file);
    const problem = `created_at: is not from ${FIRST} to ${LAST}`;
    expect({ code, lines: stderr.split("\n") }).toEqual({
      code: 65,
      lines: [
        `thimble: ${file} cannot be imported, and nothing of it was written:`,
        ...beyond.map((_, index) => `  - line ${10_001 + index}: ${problem}`),
      ],
    });
    expect(await exported(place)).toEqual(BOOKS.slice(0, 1));
  });

  test.each([...KINDS])("beyond them in a backup are refused for %s", async (kind) => {
    for (const milliseconds of [Date.parse(FIRST) - 1, Date.parse(LAST) + 1]) {
      const file = newFile("backup");
      await succeed(await filled("SQLite", BOOKS), "backup", file);
      const backup = new Database(file);
      backup.run("UPDATE books SET updated_at = ? WHERE id = 4101", [milliseconds]);
      backup.close();
      const place = await filled(kind, BOOKS.slice(0, 1));
      const { code, stderr } = await run(place, "restore", "--force", file);
      expect({ code, stderr }).toEqual({
        code: 65,
        stderr: `thimble: ${file} cannot be restored: book 4101 has a time that is not from ${FIRST} to ${LAST}`,
      });
      expect(await exported(place)).toEqual(BOOKS.slice(0, 1));
    }
  });
});

test("data that PostgreSQL refuses in a later batch is said with its lines, and 65", async () => {
  const place = await filled("PostgreSQL", BOOKS.slice(0, 1));
  const sql = postgres(place.env.DATABASE_URL, { max: 1, onnotice: () => {} });
  await sql.unsafe(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE 'not this one' USING ERRCODE = '22008'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON books FOR EACH ROW
      WHEN (NEW.title = 'Refused') EXECUTE FUNCTION refuse()`);
  const books = someBooks(10_002);
  const refused = books.map((book) => (book.id === 20_003 ? { ...book, title: "Refused" } : book));
  const file = fileWith(toLines(refused));
  const { code, stderr } = await run(place, "import", "books", file);
  expect({ code, stderr }).toEqual({
    code: 65,
    stderr:
      `thimble: the database refuses what is in lines 10001 to 10002 of ${file}, ` +
      "and nothing from line 10001 on was written: not this one",
  });
  expect(await exported(place)).toEqual(books.slice(0, 10_000));

  const backup = newFile("backup");
  await succeed(await filled("SQLite", refused), "backup", backup);
  const restored = await run(place, "restore", "--force", backup);
  expect({ code: restored.code, stderr: restored.stderr }).toEqual({
    code: 65,
    stderr: "thimble: the database refuses the data: not this one",
  });
  expect(await exported(place)).toEqual(books.slice(0, 10_000));
  await sql.end();
});

describe("lines to import", () => {
  const whole = BOOKS.slice(0, 2);
  const text = toLines(whole);

  test.each([
    ["without a line end at the end", text.trimEnd()],
    ["with CRLF", text.replaceAll("\n", "\r\n")],
    ["with a byte order mark", `\uFEFF${text}`],
    ["with byte order marks, of files that were joined,", `\uFEFF${text}\uFEFF${text}`],
    ["with blank lines", `\n${text.replaceAll("\n", "\n \n\n")}`],
  ])("%s are books", async (_what, content) => {
    const place = await empty("SQLite");
    await succeed(place, "import", "books", fileWith(content));
    expect(await exported(place)).toEqual(whole);
  });

  test.each([
    ["nothing", ""],
    ["a blank line", "\n"],
    ["a byte order mark", "\uFEFF"],
  ])("may be none: %s", async (_what, content) => {
    const place = await empty("SQLite");
    expect(await succeed(place, "import", "books", fileWith(content))).toStartWith(
      "Imported 0 books in ",
    );
    expect(await exported(place)).toEqual([]);
  });

  const garbage = crypto.getRandomValues(new Uint8Array(10_000)).map((byte) => byte | 0x80);
  test.each<[string, string | Uint8Array, string]>([
    ["bytes that are no text", garbage, "line 1: is not UTF-8"],
    [
      "a line of 10 MB",
      `${text}{"title":"${"x".repeat(10_000_000)}"}\n`,
      "line 3: is longer than 65536 bytes",
    ],
    ["a name in control characters", '{"\\u001b[31m":1}', 'Unrecognized key: "\ufffd[31m"'],
    ["a value that is no object", "[1]", "line 1: Invalid input: expected object, received array"],
    ["a null", "null", "line 1: Invalid input: expected object, received null"],
    [
      "a time that is none",
      `{"id":1,"created_at":"soon"}`,
      "line 1: created_at: Invalid ISO datetime",
    ],
    ["an id beyond what leaves room", `{"id":9007199254740991}`, "line 1: id: Too big"],
  ])("are refused where they are %s", async (_what, content, says) => {
    const place = await empty("SQLite");
    const { code, stderr } = await run(place, "import", "books", fileWith(content));
    expect(code).toBe(65);
    expect(stderr).toContain(says);
    expect(stderr.length).toBeLessThan(5000);
    expect(existsSync(sqlitePath(place.env.DATABASE_URL))).toBe(false);
  });

  test("that are wrong are said ten at most, and how many more", async () => {
    const file = fileWith("x\n".repeat(25));
    const { stderr } = await run(await empty("SQLite"), "import", "books", file);
    expect(stderr.split("\n").slice(-2)).toEqual(["  - line 10: is not JSON", "  - and 15 more"]);
  });
});

describe("a file that is no backup", () => {
  const sqlite = (...statements: string[]) => {
    const path = newFile("sqlite");
    const database = new Database(path);
    for (const statement of statements) database.run(statement);
    database.close();
    return path;
  };

  async function damaged(): Promise<string> {
    const file = newFile("backup");
    await succeed(await filled("SQLite", BOOKS), "backup", file);
    const bytes = readFileSync(file);
    bytes.fill(0xff, bytes.length / 2, bytes.length / 2 + 3000);
    writeFileSync(file, bytes);
    return file;
  }

  async function changed(): Promise<string> {
    const file = newFile("backup");
    await succeed(await filled("SQLite", BOOKS), "backup", file);
    const bytes = readFileSync(file);
    // One letter of the title as the row has it, and not the index.
    const at = bytes.indexOf("Book 1000 of");
    expect(at).toBeGreaterThan(0);
    bytes[at] = 0x62;
    writeFileSync(file, bytes);
    return file;
  }

  test.each<[string, () => string | Promise<string>, number, RegExp]>([
    ["missing", () => newFile(), 66, /^there is no file /],
    ["a directory without backups", () => newDirectory(), 66, /^there is no backup in /],
    ["a device", () => "/dev/null", 66, /^\/dev\/null is no regular file/],
    ["empty", () => fileWith(""), 65, /cannot be restored: it is empty$/],
    ["a text", () => fileWith("Dear reader. ".repeat(500)), 65, /it is not a SQLite database$/],
    ["another application's", () => sqlite("CREATE TABLE a (b)"), 65, /another application's/],
    ["damaged", damaged, 65, /cannot be restored: it is damaged/],
    ["changed by one letter", changed, 65, /cannot be restored: it is damaged/],
    [
      "of a newer release",
      () =>
        sqlite(
          "CREATE TABLE books (b)",
          "PRAGMA application_id = 0x74686d62",
          "PRAGMA user_version = 99",
        ),
      65,
      /schema version 99, and this release knows only/,
    ],
  ])("is refused: %s", async (_what, make, code, says) => {
    const place = await filled("SQLite", BOOKS.slice(0, 2));
    const result = await run(place, "restore", "--force", await make());
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr.replace("thimble: ", "")).toMatch(says);
    expect(await exported(place)).toEqual(BOOKS.slice(0, 2));
  });

  test("is refused: the database itself", async () => {
    const place = await filled("SQLite", BOOKS.slice(0, 2));
    const path = sqlitePath(place.env.DATABASE_URL);
    const said = `thimble: ${path} is the database itself`;
    for (const [command, code] of [
      [["restore"], 65],
      [["backup"], 73],
      [["export", "books"], 73],
    ] as const) {
      expect(await run(place, ...command, path)).toEqual({ code, stdout: "", stderr: said });
    }
    expect(await exported(place)).toEqual(BOOKS.slice(0, 2));
  });
});

test("a damaged database is not backed up, and an earlier backup stays", async () => {
  const place = await filled("SQLite", BOOKS);
  const path = sqlitePath(place.env.DATABASE_URL);
  const bytes = readFileSync(path);
  bytes.fill(0xff, bytes.length / 2, bytes.length / 2 + 9000);
  writeFileSync(path, bytes);
  const file = fileWith("an earlier one");
  const { code, stderr } = await run(place, "backup", file);
  expect({ code, stderr }).toEqual({
    code: 69,
    stderr: expect.stringMatching(/^thimble: The database cannot be used .+malformed.*$/),
  });
  expect(readFileSync(file, "utf8")).toBe("an earlier one");
  expect(leftBy(file)).toEqual([file]);
});

describe("a file is not written", () => {
  test("into the place of a device or a directory", async () => {
    const place = await filled("SQLite", BOOKS.slice(0, 2));
    for (const path of ["/dev/null", directory]) {
      for (const command of [["backup"], ["export", "books"]]) {
        const { code, stderr } = await run(place, ...command, path);
        expect({ code, stderr }).toEqual({
          code: 73,
          stderr: `thimble: ${path} is there, and is no regular file`,
        });
      }
    }
  });

  test("into the place of a database that is in use", async () => {
    const place = await filled("SQLite", BOOKS.slice(0, 2));
    const used = newFile("used");
    const at = { env: { DATABASE_URL: `sqlite:${used}`, DATA_DIR: "." }, drop: async () => {} };
    const database = await openPlaceDatabase(at);
    const store = createStore<Resource>(database, books);
    await store.addSamples(books.samples);
    const { code, stderr } = await run(place, "backup", used);
    expect({ code, stderr }).toEqual({
      code: 73,
      stderr: `thimble: ${used} is in use as a database: there is ${used}-wal`,
    });
    expect(await store.list(everyEntry())).toHaveLength(2);
    await database.close();
  });

  test("where no directory can be", async () => {
    const place = await filled("SQLite", BOOKS.slice(0, 2));
    const path = join(fileWith("a file"), "backup");
    const { code, stderr } = await run(place, "backup", path);
    expect({ code, stderr }).toEqual({
      code: 73,
      stderr: `thimble: cannot write ${path}: what it should be in is no directory`,
    });
  });
});

test("a backup that a signal ends leaves nothing", async () => {
  const { env } = await filled("PostgreSQL", BOOKS);
  const path = newFile("backup");
  const config = configOf({ env });
  const signal = AbortSignal.abort(new Error("SIGTERM"));
  const backedUp = backUp(path, config, { ...SERVICE, signal });
  await expect(backedUp).rejects.toThrow(new Error("SIGTERM"));
  expect(leftBy(path)).toEqual([]);
});

/** An import of a file up to where it writes. */
async function startedImport({ env }: Place, path: string) {
  const input = await openInput(path, directory);
  const progress = { update: () => {}, end: () => {} };
  const scan = scanLines(books, input, progress);
  const database = await openTransfer(configOf({ env }), { ...SERVICE, access: "write" });
  return { resource: books, database, input, scan, resumedAt: 0, clock: Date.now, progress };
}

describe.each([...KINDS])("the same import twice at once into %s", (kind) => {
  const said = (path: string) =>
    `another import of ${path} is in progress, or has just ended; this one has stopped, ` +
    "and no line was added twice";
  const plain = (count: number) => someBooks(count).map(({ title }) => ({ ...DUNE, title }));

  test.each([
    ["one batch", 20],
    ["more than one", 20_001],
  ])("adds no line of %s twice", async (_what, count) => {
    const place = await empty(kind);
    const path = fileWith(toLines(plain(count)));
    const first = await startedImport(place, path);
    // The second runs as a whole where the first is about to write its first batch.
    let writes = 0;
    const write: typeof first.database.write = async (locked, work) => {
      writes += 1;
      if (writes === 2) await succeed(place, "import", "books", path);
      return first.database.write(locked, work);
    };
    const both = writeLines({ ...first, database: { ...first.database, write } });
    await expect(both).rejects.toThrow(new CommandError(69, said(path)));
    await first.database.close();
    first.input.close();
    expect((await exported(place)).map(({ title }) => title)).toEqual(
      plain(count).map(({ title }) => title),
    );
  });

  test("that has got on meanwhile, is left to itself", async () => {
    const place = await empty(kind);
    const path = fileWith(toLines(plain(20)));
    const job = await startedImport(place, path);
    await job.database.write([books], (loader) => loader.recordImport(books, job.scan.sha256, 10));
    await expect(writeLines(job)).rejects.toThrow(new CommandError(69, said(path)));
    await job.database.close();
    job.input.close();
    expect(await exported(place)).toEqual([]);
  });
});

test.each([...KINDS])(
  "two backups of %s into one file at once leave each other whole",
  async (kind) => {
    const { env } = await filled(kind, BOOKS);
    const path = newFile("backup");
    const config = configOf({ env });
    const both = [1, 2].map(() => backUp(path, config, SERVICE));
    for (const { counts } of await Promise.all(both))
      expect(counts.get("books")).toBe(BOOKS.length);
    expect(leftBy(path)).toEqual([path]);
    const target = await empty("SQLite");
    await succeed(target, "restore", path);
    expect(await exported(target)).toEqual(BOOKS);
  },
);

test("why a backup fails is said, also where what it leaves cannot be removed", async () => {
  const { env } = await filled("PostgreSQL", BOOKS);
  const path = newFile("backup");
  const config = configOf({ env });
  const progress = {
    update: () => {
      for (const part of leftBy(path).filter((name) => name.endsWith(".part")))
        mkdirSync(`${part}-wal`);
      throw new Error("the first failure");
    },
    end: () => {},
  };
  const backedUp = backUp(path, config, { ...SERVICE, progress });
  await expect(backedUp).rejects.toThrow(new Error("the first failure"));
  expect(leftBy(path)).toEqual([expect.stringMatching(/\.part-wal$/)]);
});

test("a file that changes while it is imported is noticed", async () => {
  const path = fileWith(toLines(BOOKS.slice(0, 10)));
  const job = await startedImport(await empty("SQLite"), path);
  writeFileSync(path, "x\n".repeat(500));
  await expect(writeLines(job)).rejects.toThrow(`line 1 of ${path} has changed in the meantime`);
  await job.database.close();
  job.input.close();
});

describe("a directory of backups", () => {
  test("keeps the newest, leaves other files alone, and is restored by its newest", async () => {
    const source = await filled("SQLite", BOOKS.slice(0, 2));
    const backups = newDirectory();
    const foreign = ["thimble.db", "thimble-20200101T000000Z.db.txt", "notes.db"];
    const old = ["thimble-20200101T000000Z.db", "thimble-20210101T000000Z.db"];
    const unfinished = [
      "thimble-20220101T000000Z.db.part",
      `thimble-20220101T000000Z.db.${crypto.randomUUID()}.part`,
    ];
    for (const name of [...foreign, ...old, ...unfinished])
      writeFileSync(join(backups, name), name);
    const schedule = ["backup", "--every", "1h", "--keep", "2", backups];
    const { code, stdout } = await runHere(source, schedule, (lines) =>
      eventually("an old one is gone", () =>
        lines.some((line) => line.includes("removed")) ? "SIGTERM" : undefined,
      ),
    );
    expect(code).toBe(0);
    const log = stdout.split("\n").map((line) => JSON.parse(line));
    expect(log).toMatchObject([
      { message: "backing up on schedule", every_seconds: 3600, keep: 2 },
      { message: "backed up", entries: { books: 2 } },
      { message: "removed an old backup", file: join(backups, old[0] ?? "") },
      { message: "stopped", signal: "SIGTERM" },
    ]);
    const now = readdirSync(backups);
    expect(now).toHaveLength(5);
    expect(now).toEqual(expect.arrayContaining([...foreign, old[1] ?? ""]));
    const target = await empty("SQLite");
    expect(await succeed(target, "restore", backups)).toEndWith(` from ${log[1].file}`);
    expect(await exported(target)).toEqual(BOOKS.slice(0, 2));
  });

  test("gets one more from each run without a schedule, and loses the oldest", async () => {
    const { env } = await filled("SQLite", BOOKS.slice(0, 2));
    const backups = join(newDirectory(), "made");
    let now = Date.parse("2026-01-01T00:00:00Z");
    const runAt = async (time: string, ...args: string[]) => {
      now = Date.parse(`2026-01-01T${time}Z`);
      const { code, stdout, stderr } = await runHere({ env, clock: () => now }, [
        "backup",
        ...args,
      ]);
      expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
      return stderr.split("\n");
    };
    const nameOf = (time: string) => join(backups, `thimble-20260101T${time}Z.db`);
    const made = (time: string) =>
      expect.stringMatching(
        new RegExp(`^Backed up 2 books in \\d+\\.\\d s to ${nameOf(time)}, 0\\.1 MB$`),
      );
    const there = () =>
      readdirSync(backups)
        .map((name) => join(backups, name))
        .sort();

    expect(await runAt("01:00:00", "--keep", "7", backups)).toEqual([made("010000")]);
    const [last, unfinished] = [nameOf("020000"), `${nameOf("013000")}.part`];
    writeFileSync(unfinished, "");
    expect(await runAt("02:00:00", "--keep", "7", backups)).toEqual([made("020000")]);
    expect(there()).toEqual([nameOf("010000"), last]);
    expect(await runAt("03:00:00", "--keep", "2", backups)).toEqual([
      made("030000"),
      `Removed ${nameOf("010000")}`,
    ]);
    expect(there()).toEqual([last, nameOf("030000")]);
    // The clock is set back.
    expect(await runAt("02:30:00", "--keep", "1", backups)).toEqual([
      made("023000"),
      `a backup with a name in the future is left alone: ${nameOf("030000")}`,
      `Removed ${last}`,
    ]);
    expect(there()).toEqual([nameOf("023000"), nameOf("030000")]);
  });

  test("stays as it is when a run without a schedule fails", async () => {
    const backups = newDirectory();
    const old = join(backups, "thimble-20200101T000000Z.db");
    writeFileSync(old, "");
    const place = { env: { DATABASE_URL: "postgres://u@127.0.0.1:1/books", DATA_DIR: "." } };
    const failed = await runHere(place, ["backup", "--keep", "1", backups]);
    expect(failed).toMatchObject({ code: 69, stdout: "" });
    expect(failed.stderr).toContain("ECONNREFUSED");
    expect(readdirSync(backups).map((name) => join(backups, name))).toEqual([old]);
    expect(await runHere(place, ["backup", "--keep", "1", old])).toEqual({
      code: 73,
      stdout: "",
      stderr: `thimble: ${old} is no directory; with --keep, name the DIRECTORY that has the backups`,
    });
  });

  test("with names in the future keeps the one just made, and warns of them", async () => {
    const source = await filled("SQLite", BOOKS.slice(0, 2));
    const backups = newDirectory();
    const future = ["thimble-29990101T000000Z.db", "thimble-29990102T000000Z.db"];
    const foreign = "thimble-20201399T000000Z.db";
    const old = "thimble-20200101T000000Z.db";
    for (const name of [...future, foreign, old]) writeFileSync(join(backups, name), name);
    const schedule = ["backup", "--every", "1h", "--keep", "1", backups];
    const { stdout } = await runHere(source, schedule, (lines) =>
      eventually("an old one is gone", () =>
        lines.some((line) => line.includes("removed")) ? "SIGTERM" : undefined,
      ),
    );
    const log = stdout.split("\n").map((line) => JSON.parse(line));
    const warning = {
      level: "WARNING",
      message: "a backup with a name in the future is left alone",
    };
    expect(log.slice(1)).toMatchObject([
      { message: "backed up", entries: { books: 2 } },
      ...future.map((name) => ({ ...warning, file: join(backups, name) })),
      { message: "removed an old backup", file: join(backups, old) },
      { message: "stopped" },
    ]);
    const made = log[1].file;
    expect(
      readdirSync(backups)
        .map((name) => join(backups, name))
        .sort(),
    ).toEqual([made, ...[foreign, ...future].map((name) => join(backups, name))].sort());

    const target = await empty("SQLite");
    const { code, stderr } = await run(target, "restore", backups);
    expect({ code, stderr }).toEqual({
      code: 65,
      stderr:
        `thimble: ${join(backups, future[1] ?? "")} has a name in the future, so that the newest backup ` +
        "is not known; name the FILE to restore",
    });
    await succeed(target, "restore", made);
    expect(await exported(target)).toEqual(BOOKS.slice(0, 2));
  });

  test("is added to when the newest is old enough, whatever is in the future", async () => {
    const source = await filled("SQLite", BOOKS.slice(0, 2));
    const backups = newDirectory();
    const newest = Math.floor(Date.now() / 1000) * 1000;
    const time = new Date(newest).toISOString().replace(/[-:]|\.\d+/g, "");
    for (const each of ["20200101T000000Z", time, "29990101T000000Z"]) {
      writeFileSync(join(backups, `thimble-${each}.db`), each);
    }
    const schedule = ["backup", "--every", "3s", "--keep", "9", backups];
    const { stdout } = await runHere(source, schedule, (lines) =>
      eventually("a backup", () =>
        lines.some((line) => line.includes("backed up")) ? "SIGTERM" : undefined,
      ),
    );
    const [started, made] = stdout.split("\n").map((line) => JSON.parse(line));
    expect(started.first_at).toBe(new Date(newest + 3000).toISOString());
    expect(Date.parse(made.timestamp)).toBeGreaterThanOrEqual(newest + 3000);
  });

  test("gets one at once where the newest is older than that", async () => {
    const source = await filled("SQLite", BOOKS.slice(0, 2));
    const backups = newDirectory();
    for (const each of ["20200101T000000Z", "29990101T000000Z"]) {
      writeFileSync(join(backups, `thimble-${each}.db`), each);
    }
    const schedule = ["backup", "--every", "366d", "--keep", "9", backups];
    const { stdout } = await runHere(source, schedule, (lines) =>
      eventually("a backup", () =>
        lines.some((line) => line.includes("backed up")) ? "SIGTERM" : undefined,
      ),
    );
    expect(stdout).toContain('"backed up"');
  });

  test("reads its secrets again for every run", async () => {
    const source = await filled("SQLite", BOOKS.slice(0, 2));
    const url = fileWith("postgres://u:secret@127.0.0.1:1/books");
    const place = { env: { DATABASE_URL_FILE: url, DATA_DIR: "." } };
    const args = ["backup", "--every", "1s", "--keep", "1", newDirectory()];
    const { code, stdout } = await runHere(place, args, async (lines) => {
      const says = (text: string) => lines.some((line) => line.includes(text)) || undefined;
      await eventually("a run has failed", () => says("backup failed"));
      writeFileSync(url, source.env.DATABASE_URL ?? "");
      await eventually("a run has succeeded", () => says("backed up"));
      return "SIGTERM";
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.not.stringContaining("secret") });
  });

  test("outlives runs that fail", async () => {
    const backups = newDirectory();
    const place = { env: { DATABASE_URL: "postgres://u:secret@127.0.0.1:1/books", DATA_DIR: "." } };
    const failures = (lines: readonly string[]) =>
      lines.filter((line) => line.includes("backup failed")).length;
    const args = ["backup", "--every", "1s", "--keep", "1", backups];
    const { code, stdout } = await runHere(place, args, (lines) =>
      eventually("two runs have failed", () => (failures(lines) > 1 ? "SIGTERM" : undefined)),
    );
    expect(code).toBe(0);
    expect(stdout).not.toContain("secret");
    expect(readdirSync(backups)).toEqual([]);
  });
});

describe("arguments", () => {
  const memory = { env: { DATABASE_URL: "memory:", DATA_DIR: "." } };
  const file = fileWith("");

  test.each([
    [["backup"], "expected one FILE, or one DIRECTORY"],
    [["backup", "a", "b"], "expected one FILE, or one DIRECTORY"],
    [["backup", "--keep", "3"], "expected one FILE, or one DIRECTORY"],
    [["backup", "--keep", "3x", "a"], "--keep expects a whole number from 1; received 3x"],
    [["backup", "--every", "1h", "a"], "--every goes with --keep, the number of backups"],
    [
      ["backup", "--every", "1x", "--keep", "3", "a"],
      "--every expects a whole number of s, m, h or d",
    ],
    [["backup", "--every", "1h", "--keep", "0", "a"], "--keep expects a whole number from 1"],
    [["backup", "--force", "a"], "--force"],
    [["restore"], "expected one FILE, or one DIRECTORY"],
    [["export", "books", "a", "b"], "expected at most one FILE"],
    [["export", "books", "--resume"], "--resume needs a FILE"],
    [["import", "books", "a", "b"], "expected at most one FILE"],
    [["import", "books", "--force"], "--force"],
  ])("%j are a wrong use", async (args, says) => {
    const { code, stdout, stderr } = await runHere(memory, args);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toStartWith(`thimble ${args[0]}: `);
    expect(stderr).toContain(says);
    expect(stderr).toContain(`\n\nUsage: thimble ${args[0]} `);
  });

  test.each([
    { args: ["backup", file] },
    { args: ["backup", "--every", "1h", "--keep", "1", directory] },
    { args: ["backup", "--keep", "1", directory] },
    { args: ["restore", file] },
    { args: ["export", "books"] },
    { args: ["import", "books", file] },
  ])("$args cannot be where books are in memory", async ({ args }) => {
    const { code, stderr } = await runHere(memory, args);
    expect(code).toBe(78);
    expect(stderr).toStartWith("thimble: DATABASE_URL is memory:, which only ");
  });

  test("are explained", async () => {
    for (const command of ["backup", "restore", "export", "import"]) {
      const { code, stdout } = await runHere(memory, [command, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toStartWith(`Usage: thimble ${command} `);
    }
  });
});
