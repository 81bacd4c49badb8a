import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import postgres from "postgres";
import { books } from "../src/books.ts";
import { grouped } from "../src/grouped.ts";
import { type ChildService, startService } from "./child-service.ts";
import {
  type Book,
  KINDS,
  type Kind,
  openPlace,
  type Place,
  runHere,
  someBooks,
  toLines,
  withStore,
} from "./data.ts";
import { MOUNTING, mayMount, mountAt } from "./mount.ts";
import { FROM_SOURCE } from "./program.ts";
import { eventually, newDirectory, watch } from "./service.ts";

setDefaultTimeout(120_000);

/** So many that a process can be met while it is at work. */
const MANY = someBooks(40_000);
const LINES = toLines(MANY);
const PLAIN = toLines(MANY.map(({ title, author, year }) => ({ title, author, year })));

const directory = newDirectory();
let files = 0;

function fileWith(content: string): string {
  const path = join(directory, `lines-${++files}`);
  writeFileSync(path, content);
  return path;
}

/** Starts a command in a process of its own. */
function start({ env }: Place, args: readonly string[], stdin?: string) {
  const [program = "", ...rest] = [...FROM_SOURCE, ...args];
  const child = spawn(program, rest, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  // One that refuses what it is given may end before it has read all of it.
  child.stdin.on("error", () => {}).end(stdin);
  return { child, ...watch(child) };
}

async function runThere(place: Place, args: readonly string[], stdin?: string) {
  const { exited, stdout, stderr } = start(place, args, stdin);
  const { code, signal } = await exited;
  return { code, signal, stdout: stdout(), stderr: stderr() };
}

async function succeed(place: Place, ...args: string[]): Promise<void> {
  expect(await runHere(place, args)).toMatchObject({ code: 0, stdout: "" });
}

let backup: Promise<string> | undefined;

/** A backup of many books. */
function manyBackedUp(): Promise<string> {
  backup ??= makeBackup();
  return backup;
}

async function makeBackup(): Promise<string> {
  const path = join(directory, "backup");
  const source = await openPlace("SQLite");
  await succeed(source, "import", "books", fileWith(LINES));
  await succeed(source, "backup", path);
  return path;
}

/** A database with many books. */
async function filled(kind: Kind): Promise<Place> {
  const place = await openPlace(kind);
  await succeed(place, "restore", await manyBackedUp());
  return place;
}

async function exported(place: Place): Promise<string> {
  const path = join(directory, `export-${++files}`);
  await succeed(place, "export", "books", path);
  return readFileSync(path, "utf8");
}

/** Looks at a database from outside, as often as it is asked. */
function observe({ env: { DATABASE_URL } }: Place) {
  if (DATABASE_URL.startsWith("sqlite:"))
    return observeSqlite(DATABASE_URL.slice("sqlite:".length));
  const sql = postgres(DATABASE_URL, { max: 1, onnotice: () => {} });
  const countOf = async (query: string) => Number((await sql.unsafe(query))[0]?.count);
  return {
    books: () => countOf("SELECT count(*) FROM books").catch(() => 0),
    /** Whether somebody has written much that is not committed yet. */
    isBeingFilled: async () =>
      (await countOf("SELECT pg_relation_size('books') AS count").catch(() => 0)) > 500_000,
    close: () => sql.end(),
  };
}

function observeSqlite(path: string) {
  return {
    books: async () => {
      if (!existsSync(path)) return 0;
      const database = new DatabaseSync(path, { readOnly: true });
      try {
        return Number(database.prepare("SELECT count(*) AS count FROM books").get()?.count);
      } catch {
        return 0;
      } finally {
        database.close();
      }
    },
    isBeingFilled: async () =>
      existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 1_000_000,
    close: async () => {},
  };
}

async function kill(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  expect(child.exitCode).toBeNull();
  child.kill("SIGKILL");
  expect(await exited).toEqual({ code: null, signal: "SIGKILL" });
}

for (const kind of KINDS) {
  describe(`${kind}, killed in the midst of`, () => {
    test.each([
      ["books with ids", LINES],
      ["new books", PLAIN],
    ])(
      "an import of %s: the same command goes on, and no line is added twice",
      async (_what, lines) => {
        const place = await openPlace(kind);
        const file = fileWith(lines);
        const watched = observe(place);
        const { child, exited } = start(place, ["import", "books", file]);
        await eventually("some books are there", async () => (await watched.books()) || undefined);
        await kill(child, exited);
        const before = await watched.books();
        expect(before).toBeLessThan(MANY.length);
        expect(before % 10_000).toBe(0);

        const { code, stderr } = await runHere(place, ["import", "books", file]);
        expect({ code, stderr }).toEqual({
          code: 0,
          stderr: expect.stringMatching(
            new RegExp(
              `^Imported ${grouped(MANY.length - before)} books in .+, from line ${before + 1} on$`,
            ),
          ),
        });
        const books: Book[] = (await exported(place))
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line));
        expect(books.map(({ title }) => title)).toEqual(MANY.map(({ title }) => title));
        await watched.close();
        await place.drop();
      },
    );

    test("a restore: the database is as it was, and can be restored then", async () => {
      const backup = await manyBackedUp();
      const place = await openPlace(kind);
      await succeed(place, "import", "books", fileWith(toLines(MANY.slice(0, 2))));
      const watched = observe(place);
      const { child, exited } = start(place, ["restore", "--force", backup]);
      await eventually("it writes", async () => (await watched.isBeingFilled()) || undefined);
      await kill(child, exited);
      expect(await exported(place)).toBe(toLines(MANY.slice(0, 2)));
      await succeed(place, "restore", "--force", backup);
      expect(await exported(place)).toBe(LINES);
      await watched.close();
      await place.drop();
    });
  });
}

describe("pipes", () => {
  test("standard input is imported as a file is, and nothing of it is left", async () => {
    const place = await openPlace("SQLite");
    const result = await runThere(place, ["import", "books"], LINES);
    expect(result).toMatchObject({ code: 0, stdout: "" });
    expect(result.stderr).toMatch(/^Imported 40,000 books in \d+\.\d s\n$/);
    expect(await exported(place)).toBe(LINES);
    expect(readdirSync(join(place.env.DATA_DIR, "tmp"))).toEqual([]);
    const again = await runThere(place, ["import", "books", "-"], `{"title":1}\n`);
    expect(again).toMatchObject({ code: 65, stdout: "" });
    expect(again.stderr).toStartWith("thimble: standard input cannot be imported, and nothing ");
  });

  test("an export that nobody reads to its end ends without a word", async () => {
    const place = await filled("SQLite");
    const { child, exited, stderr } = start(place, ["export", "books"]);
    child.stdout?.once("data", () => child.stdout?.destroy());
    expect(await exited).toEqual({ code: 141, signal: null });
    expect(stderr()).toBe("");
  });

  test("an export waits for a slow reader", async () => {
    const place = await filled("SQLite");
    const script = '"$@" | { read -r line; printf "%s\\n" "$line"; sleep 1; cat; }';
    const child = Bun.spawn(["sh", "-c", script, "sh", ...FROM_SOURCE, "export", "books"], {
      env: { PATH: process.env.PATH, ...place.env },
      stderr: "ignore",
    });
    expect(await new Response(child.stdout).text()).toBe(LINES);
  });

  test("while its reader has stopped, the log of the database does not grow without limit", async () => {
    const place = await filled("SQLite");
    const child = Bun.spawn([...FROM_SOURCE, "export", "books"], {
      env: { PATH: process.env.PATH, ...place.env },
      stderr: "ignore",
    });
    const reader = child.stdout.getReader();
    const decoder = new TextDecoder();
    // The export has begun, and fills the pipe.
    let lines = decoder.decode((await reader.read()).value, { stream: true });
    const id = MANY[0]?.id ?? 0;
    await withStore(place, books, async (store) => {
      for (let year = 0; year < 800; year += 1) await store.update(id, { title: `${year}`, year });
      const log = `${place.env.DATABASE_URL.slice("sqlite:".length)}-wal`;
      // SQLite begins its log again after some 4 MB; all changes together take some 30 MB.
      expect(statSync(log).size).toBeLessThan(8_000_000);
    });
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      lines += decoder.decode(value, { stream: true });
    }
    expect(await child.exited).toBe(0);
    expect(lines).toBe(LINES);
  });

  test("progress is shown on a terminal", async () => {
    const place = await openPlace("SQLite");
    let shown = "";
    await using terminal = new Bun.Terminal({
      cols: 80,
      rows: 24,
      data: (_terminal, data) => {
        shown += Buffer.from(data).toString();
      },
    });
    const child = Bun.spawn([...FROM_SOURCE, "import", "books", fileWith(LINES)], {
      env: { PATH: process.env.PATH, ...place.env },
      terminal,
    });
    expect(await child.exited).toBe(0);
    expect(shown).toMatch(/Checking \[#+-+\] +\d+ % [\d,]+ lines, [\d,]+\/s/);
    expect(shown).toMatch(/Importing \[#+-+\] +\d+ % [\d,]+ books, [\d,]+\/s/);
    const last = shown.slice(shown.lastIndexOf("\r\x1b[K") + 4);
    expect(last).toMatch(/^Imported 40,000 books in \d+\.\d s\r\n$/);
  });

  test("a schedule ends with 0 on SIGTERM, also between two runs", async () => {
    const place = await openPlace("SQLite");
    await succeed(place, "import", "books", fileWith(toLines(MANY.slice(0, 2))));
    const backups = newDirectory();
    const { child, exited, stdout, stderr } = start(place, [
      ...["backup", "--every", "24h", "--keep", "1", backups],
    ]);
    await eventually("the first is made", () => stdout().includes("backed up") || undefined);
    child.kill("SIGTERM");
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(stderr()).toBe("");
    expect(readdirSync(backups)).toEqual([expect.stringMatching(/^thimble-\d{8}T\d{6}Z\.db$/)]);
  });
});

const HAS_STRACE = Bun.which("strace") !== null;
const NO_STRACE = HAS_STRACE ? "" : " (skipped: no strace)";

/** Runs a command, and returns its calls that order what reaches the disk, with the paths they are for. */
async function syncedBy({ env }: Place, args: readonly string[]): Promise<string[]> {
  const log = join(directory, `calls-${++files}`);
  const trace = ["strace", "-f", "-y", "-o", log, "-e", "trace=/^(fsync|fdatasync|rename.*)$"];
  const child = Bun.spawn([...trace, ...FROM_SOURCE, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stderr: "ignore",
  });
  expect(await child.exited).toBe(0);
  const calls = readFileSync(log, "utf8").matchAll(
    /^\d+ +(fsync|fdatasync|rename)\w*\((.+)\) += 0$/gm,
  );
  return Array.from(calls, ([, call, operands = ""]) => {
    const [path = "", to] = operands.match(/[^<"]+(?=[>"](?:,|$))/g) ?? [];
    return to ? `${call} ${path} to ${to}` : `${call} ${path}`;
  });
}

describe.skipIf(!HAS_STRACE)(`a finished file on the disk${NO_STRACE}`, () => {
  test.each([
    ["backup", "SQLite", []],
    ["backup", "PostgreSQL", []],
    ["export", "SQLite", ["books"]],
  ] as const)(
    "is synced before it gets its name, and its directory after: %s of %s",
    async (command, kind, operands) => {
      const place = await openPlace(kind);
      await succeed(place, "import", "books", fileWith(toLines(MANY.slice(0, 2))));
      const into = newDirectory();
      const file = join(into, "file");
      const calls = await syncedBy(place, [command, ...operands, file]);
      const renamed = calls.findIndex((call) => call.startsWith("rename "));
      const part = /^rename (.+) to (.+)$/.exec(calls[renamed] ?? "");
      expect(part?.slice(1)).toEqual([expect.stringMatching(/\.part$/), file]);
      expect(calls[renamed - 1]).toBe(`fsync ${part?.[1]}`);
      expect(calls.slice(renamed + 1)).toEqual([`fsync ${into}`]);
      await place.drop();
    },
  );
});

describe("a full disk", () => {
  test.if(mayMount)(`leaves an earlier backup and export as they were${MOUNTING}`, async () => {
    const small = newDirectory();
    const unmount = mountAt(small, "size=2m");
    try {
      for (const kind of KINDS) {
        const place = await filled(kind);
        for (const [command, ...operands] of [["backup"], ["export", "books"]] as const) {
          const path = join(small, command);
          writeFileSync(path, "an earlier one");
          const { code, stderr } = await runHere(place, [command, ...operands, path]);
          expect({ code, stderr }).toEqual({
            code: 73,
            stderr: expect.stringMatching(/thimble: cannot write \S+\.part: the disk is full$/),
          });
          expect(readFileSync(path, "utf8")).toBe("an earlier one");
          expect(existsSync(`${path}.part`)).toBe(command === "export");
        }
        await place.drop();
      }
      expect(readdirSync(small).sort()).toEqual(["backup", "export", "export.part"]);
    } finally {
      unmount();
    }
  });

  test.if(mayMount)(`leaves a database as it was that is restored into${MOUNTING}`, async () => {
    const backup = await manyBackedUp();
    const small = newDirectory();
    const unmount = mountAt(small, "size=2m");
    const DATABASE_URL = `sqlite:${join(small, "books.db")}`;
    const place = { env: { DATABASE_URL, DATA_DIR: small }, drop: async () => {} };
    try {
      await succeed(place, "import", "books", fileWith(toLines(MANY.slice(0, 2))));
      const { code, stderr } = await runHere(place, ["restore", "--force", backup]);
      expect(code).toBe(69);
      expect(stderr).toContain("full");
      expect(await exported(place)).toBe(toLines(MANY.slice(0, 2)));
      const spooled = await runThere(place, ["import", "books"], LINES);
      expect(spooled).toMatchObject({ code: 73, stdout: "" });
      expect(spooled.stderr).toMatch(
        /^thimble: cannot write .+\/tmp\/spool-.+: the disk is full\n$/,
      );
    } finally {
      unmount();
    }
  });
});

describe("PostgreSQL that is down", () => {
  test("is said, with 69 and no secret", async () => {
    const DATABASE_URL = "postgres://u:secret@127.0.0.1:1/books";
    const place = { env: { DATABASE_URL, DATA_DIR: directory }, drop: async () => {} };
    const backup = await manyBackedUp();
    for (const args of [
      ["backup", join(directory, "none")],
      ["restore", backup],
      ["export", "books"],
      ["import", "books", fileWith("")],
    ]) {
      const { code, stdout, stderr } = await runHere(place, args);
      expect({ code, stdout }).toEqual({ code: 69, stdout: "" });
      expect(stderr).toMatch(
        /^thimble: The database cannot be reached right now\. (?!.*secret).+$/,
      );
    }
    expect(existsSync(join(directory, "none"))).toBe(false);
  });
});

/** Adds books until it is stopped; returns those that were acknowledged so far. */
function keepWriting(service: ChildService) {
  const acknowledged: Book[] = [];
  const statuses = new Set<number>();
  let stopped = false;
  const write = async () => {
    while (!stopped) {
      const book = { title: "Written meanwhile", author: "A Writer", year: acknowledged.length };
      const response = await service.send("POST", "/books", book);
      statuses.add(response.status);
      if (response.status === 201) acknowledged.push(await response.json());
      else await response.body?.cancel();
    }
  };
  const done = Promise.all([write(), write()]);
  return {
    acknowledged,
    statuses,
    stop: async () => {
      stopped = true;
      await done;
    },
  };
}

for (const kind of KINDS) {
  describe(`${kind} that is served meanwhile`, () => {
    test("a backup has every book that was acknowledged before it began", async () => {
      const place = await filled(kind);
      const service = await startService(place.env);
      const writing = keepWriting(service);
      try {
        await eventually("some are added", () => writing.acknowledged.length > 20 || undefined);
        const before = [...writing.acknowledged];
        const backup = join(directory, `backup-${++files}`);
        expect(await runThere(place, ["backup", backup])).toMatchObject({ code: 0 });
        const during = writing.acknowledged.length;
        await eventually("more are added", () => writing.acknowledged.length > during || undefined);
        await writing.stop();
        expect([...writing.statuses]).toEqual([201]);
        const copy = { ...place, env: { ...place.env, DATABASE_URL: `sqlite:${backup}` } };
        const lines = new Set((await exported(copy)).split("\n"));
        for (const book of [...MANY, ...before]) expect(lines.has(JSON.stringify(book))).toBe(true);
      } finally {
        await writing.stop();
        await service.kill();
        await place.drop();
      }
    });

    test("a restore is seen at once and whole, and reading goes on", async () => {
      const backup = await manyBackedUp();
      const place = await openPlace(kind);
      const service = await startService({ ...place.env, SEED: "true" });
      try {
        const restoring = start(place, ["restore", "--force", backup]);
        const titles: string[] = [];
        while (restoring.child.exitCode === null) {
          const response = await service.fetch("/books?limit=1");
          expect(response.status).toBe(200);
          titles.push(((await response.json()) as { items: Book[] }).items[0]?.title ?? "");
        }
        expect(await restoring.exited).toEqual({ code: 0, signal: null });
        // A request between the end of the restore and the end of the process sees it already.
        const first = MANY[0]?.title ?? "";
        expect([...new Set([...titles, first])]).toEqual(["1984", first]);
        const now = await service.fetch("/books/3");
        expect(await now.json()).toEqual(MANY[0]);
        expect(
          (await service.send("POST", "/books", { title: "A", author: "B", year: 1 })).status,
        ).toBe(201);
      } finally {
        await service.kill();
        await place.drop();
      }
    });
  });
}
