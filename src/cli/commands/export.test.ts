import { expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { someBooks, toLines } from "../../../test/data.ts";
import { idleRuntime } from "../../../test/runtime.ts";
import { eventually, inTemporaryDirectory } from "../../../test/service.ts";
import { books } from "../../books.ts";
import { migrateSqlite } from "../../database/sqlite.ts";
import { openSqliteFile } from "../../server/database/sqlite-file.ts";
import { createSqliteTransfer } from "../../transfer/sqlite.ts";
import { runExport } from "./export.ts";

setDefaultTimeout(30_000);

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;

const BOOKS = someBooks(1000);

/** A database of more books than a pipe holds. */
async function makeBooks(directory: string): Promise<string> {
  const path = join(directory, "books.db");
  const database = openSqliteFile(path, "write");
  migrateSqlite(database);
  const transfer = createSqliteTransfer(database, { resources: [books], clock: Date.now });
  await transfer.write([books], (loader) => loader.add(books, BOOKS));
  database.close();
  return path;
}

/** Exports to a pipe that does not wait, as one may be that a process inherits. */
async function exportTo(pipe: number, path: string) {
  const said: string[] = [];
  const runtime = idleRuntime({
    env: { DATABASE_URL: `sqlite:${path}` },
    stdout: (line) => void said.push(line),
    stderr: (line) => void said.push(line),
  });
  return { code: await runExport(["books"], runtime, pipe), said };
}

function inFifo(use: (fifo: string, path: string) => Promise<void>) {
  return inTemporaryDirectory(async (directory) => {
    const fifo = join(directory, "fifo");
    expect(spawnSync("mkfifo", [fifo]).status).toBe(0);
    await use(fifo, await makeBooks(directory));
  });
}

test("a pipe that is full is waited for", async () => {
  await inFifo(async (fifo, path) => {
    // Of its own end for reading nobody reads; it holds the pipe open until somebody else does.
    const pipe = openSync(fifo, O_RDWR | O_NONBLOCK);
    const reader = Bun.spawn(["sh", "-c", 'sleep 0.3; head -n 1000 "$1" >"$1.out"', "sh", fifo]);
    const { code, said } = await exportTo(pipe, path);
    expect(code).toBe(0);
    expect(said).toEqual([expect.stringMatching(/^Exported 1,000 books in \d+\.\d s$/)]);
    expect(await reader.exited).toBe(0);
    closeSync(pipe);
    expect(readFileSync(`${fifo}.out`, "utf8")).toBe(toLines(BOOKS));
  });
});

test("a pipe that nobody reads any more ends it with nothing said", async () => {
  await inFifo(async (fifo, path) => {
    const reader = openSync(fifo, O_RDONLY | O_NONBLOCK);
    const pipe = await eventually("a pipe to write to", () =>
      openSync(fifo, O_WRONLY | O_NONBLOCK),
    );
    closeSync(reader);
    expect(await exportTo(pipe, path)).toEqual({ code: 141, said: [] });
    closeSync(pipe);
  });
});
