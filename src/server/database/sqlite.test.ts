import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { FROM_SOURCE } from "../../../test/program.ts";
import { API_KEY, inTemporaryDirectory, runToEnd, startService } from "../../../test/service.ts";
import { books } from "../../books.ts";
import { NewerSchemaError } from "../../database/migrations/migration.ts";
import { readPragma } from "../../database/sqlite.ts";
import { createStore } from "../../resources/stores/create-store.ts";
import { openSqliteDatabase } from "./sqlite.ts";
import { openSqliteFile } from "./sqlite-file.ts";

// A process that is traced takes its time.
setDefaultTimeout(60_000);

const EMMA = { title: "Emma", author: "Jane Austen", year: 1815 };
const WRITES = 20;
const OTHERS_TURN_MS = 50;

const CLIENTS = 32;
const MANY_WRITES = 1000;

const addBook = ({ url }: { url: string }) =>
  fetch(`${url}/api/v1/books`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-API-Key": API_KEY },
    body: JSON.stringify(EMMA),
  });

/** Traces the system calls of a process. Debian and Ubuntu have it as a package of this name. */
const strace = Bun.which("strace");

test("a database in a new file keeps what is added", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "new", "books.db");
    const first = openSqliteDatabase(path);
    expect(await first.migrate()).toBeGreaterThan(0);
    await createStore(first, books).addSamples([EMMA]);
    const { entry } = await createStore(first, books).create({ ...EMMA, title: "Persuasion" });
    await first.close();
    const second = openSqliteDatabase(path);
    expect(await second.migrate()).toBe(0);
    await createStore(second, books).addSamples([EMMA]);
    expect(await createStore(second, books).get(1)).toMatchObject(EMMA);
    expect(await createStore(second, books).get(entry.id)).toEqual(entry);
    expect(await createStore(second, books).get(3)).toBeUndefined();
    await second.close();
  });
});

test("a file of a newer release is refused, and not held open", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "books.db");
    const first = openSqliteDatabase(path);
    await first.migrate();
    await first.close();
    const file = openSqliteFile(path, "serve");
    file.exec("PRAGMA user_version = 99");
    file.close();
    const newer = openSqliteDatabase(path);
    await expect(newer.migrate()).rejects.toMatchObject({ cause: expect.any(NewerSchemaError) });
    await newer.close();
    // What holds it open has these two next to it.
    for (const suffix of ["-wal", "-shm"]) expect(() => rmSync(path + suffix)).toThrow("ENOENT");
  });
});

test("a write waits for another connection's, and nothing else of the process waits with it", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "books.db");
    const database = openSqliteDatabase(path);
    await database.migrate();
    const store = createStore(database, books);
    const other = openSqliteFile(path, "serve");
    other.exec("BEGIN IMMEDIATE");
    const writes = Array.from({ length: 3 }, () => store.create(EMMA));
    let isWritten = false;
    void Promise.allSettled(writes).then(() => {
      isWritten = true;
    });
    await Bun.sleep(OTHERS_TURN_MS);
    expect(await store.get(1)).toBeUndefined();
    await database.ping();
    expect(isWritten).toBe(false);
    other.exec("COMMIT");
    expect(await Promise.all(writes)).toHaveLength(3);
    other.close();
    await database.close();
  });
});

test("the statistics are refreshed when another's write has ended", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "books.db");
    const database = openSqliteDatabase(path);
    await database.migrate();
    await createStore(database, books).create(EMMA);
    const other = openSqliteFile(path, "serve");
    other.exec("BEGIN IMMEDIATE");
    const refreshed = database.optimize?.();
    await Bun.sleep(OTHERS_TURN_MS);
    other.exec("COMMIT");
    await refreshed;
    const { count } = other.prepare("SELECT count(*) AS count FROM sqlite_stat1").get() ?? {};
    expect(count).toBeGreaterThan(0);
    other.close();
    await database.close();
  });
});

test.if(strace !== null)("a write is on the disk before it is acknowledged", async () => {
  await inTemporaryDirectory(async (directory) => {
    const trace = join(directory, "trace");
    await using service = await startService({
      command: traced(trace, "fsync,fdatasync", FROM_SOURCE),
    });
    const syncs = () => readFileSync(trace, "utf8").match(/f(?:data)?sync\(.*-wal>/g)?.length ?? 0;
    for (let write = 1; write <= WRITES; write += 1) {
      expect((await addBook(service)).status).toBe(201);
    }
    await service.stop();
    expect(syncs()).toBeGreaterThanOrEqual(WRITES);
  });
});

test.if(strace !== null)(
  "writes that come together wait for the disk together, and use no temporary files",
  async () => {
    await inTemporaryDirectory(async (directory) => {
      const trace = join(directory, "trace");
      await using service = await startService({
        command: traced(trace, "fsync,fdatasync,openat", FROM_SOURCE),
      });
      let sent = 0;
      const client = async () => {
        while (sent < MANY_WRITES) {
          sent += 1;
          expect((await addBook(service)).status).toBe(201);
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, client));
      await service.stop();
      const calls = readFileSync(trace, "utf8");
      const syncs = calls.match(/f(?:data)?sync\(.*\.db(?:-wal)?>/g)?.length ?? 0;
      expect(syncs / sent).toBeWithin(0.001, 0.15);
      expect(calls).not.toContain("etilqs_");
    });
  },
);

test("what SQLite says of its own durability: it syncs at every commit", async () => {
  await inTemporaryDirectory(async (directory) => {
    const database = openSqliteDatabase(join(directory, "books.db"));
    await database.migrate();
    // What it does on the disk shows only in a trace, as above.
    expect(readPragma(database.connection, "synchronous")).toBe(2);
    await database.close();
  });
});

test("after a large transaction, the write-ahead log is cut to 16 MiB", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "books.db");
    const database = openSqliteDatabase(path);
    await database.migrate();
    const size = () => statSync(`${path}-wal`).size;
    const { connection } = database;
    connection.exec("CREATE TABLE large AS SELECT zeroblob(20 * 1024 * 1024) AS bytes");
    expect(size()).toBeGreaterThan(16 * 1024 * 1024);
    // With the next change, it begins again at its start.
    connection.exec("CREATE TABLE small (a)");
    connection.exec("CREATE TABLE another (a)");
    expect(size()).toBe(16 * 1024 * 1024);
    await database.close();
  });
});

/** Opens a database as the service does, and sorts more than its memory holds. */
const SORT = `
  import { openSqliteDatabase } from ${JSON.stringify(resolve(import.meta.dir, "sqlite.ts"))};
  const database = openSqliteDatabase("data/books.db");
  await database.migrate();
  const count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) ";
  database.connection.prepare(count + "SELECT randomblob(1000) AS b FROM n ORDER BY b").all();
  await database.close();
`;

test.if(strace !== null)("temporary files are next to the database, and nowhere else", async () => {
  await inTemporaryDirectory(async (directory) => {
    const trace = join(directory, "trace");
    const run = await runToEnd(
      traced(trace, "openat", [process.execPath, "-e", SORT]),
      {},
      { directory },
    );
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const names = readFileSync(trace, "utf8").matchAll(/"([^"]*etilqs_[^"]*)"/g);
    const temporary = Array.from(names, ([, name = ""]) => name);
    expect(temporary.length).toBeGreaterThan(0);
    for (const name of temporary) expect(name).toStartWith(join(directory, "data/"));
  });
});

/** Runs a command with a note of these system calls in a file; signals reach the command itself. */
function traced(file: string, calls: string, command: readonly string[]): string[] {
  return [strace ?? "", "-D", "-f", "-y", "-o", file, "-e", `trace=${calls}`, ...command];
}
