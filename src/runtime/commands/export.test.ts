import { expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, inTemporaryDirectory } from "../../../test/service.ts";
import { openSqliteBooks } from "../sqlite-books.ts";
import { exportBooks } from "./export.ts";

setDefaultTimeout(30_000);

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;

/** Exports 1,000 books to a pipe that does not wait, as one may be that a process inherits. */
async function exportTo(directory: string, pipe: number) {
  const path = join(directory, "books.db");
  const store = openSqliteBooks(path);
  for (let year = 0; year < 1000; year += 1) {
    await store.create({ title: "x".repeat(250), author: "A Writer", year });
  }
  await store.close();
  const said: string[] = [];
  const runtime = {
    env: { DATABASE_URL: `sqlite:${path}` },
    clock: Date.now,
    stdout: (line: string) => void said.push(line),
    stderr: (line: string) => void said.push(line),
    listen: () => ({ port: 0, stop: async () => {} }),
    untilSignal: async () => "",
  };
  return { code: await exportBooks([], runtime, pipe), said };
}

function inFifo(use: (directory: string, fifo: string) => Promise<void>) {
  return inTemporaryDirectory(async (directory) => {
    const fifo = join(directory, "fifo");
    expect(spawnSync("mkfifo", [fifo]).status).toBe(0);
    await use(directory, fifo);
  });
}

test("a pipe that is full is waited for", async () => {
  await inFifo(async (directory, fifo) => {
    // Of its own end for reading nobody reads; it holds the pipe open until somebody else does.
    const pipe = openSync(fifo, O_RDWR | O_NONBLOCK);
    const reader = Bun.spawn(["sh", "-c", 'sleep 0.3; head -n 1000 "$1" >"$1.out"', "sh", fifo]);
    const { code, said } = await exportTo(directory, pipe);
    expect(code).toBe(0);
    expect(said).toEqual([expect.stringMatching(/^Exported 1000 books in \d+\.\d s$/)]);
    expect(await reader.exited).toBe(0);
    closeSync(pipe);
    const lines = readFileSync(`${fifo}.out`, "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).year)).toEqual([...Array(1000).keys()]);
  });
});

test("a pipe that nobody reads any more ends it with nothing said", async () => {
  await inFifo(async (directory, fifo) => {
    const reader = openSync(fifo, O_RDONLY | O_NONBLOCK);
    const pipe = await eventually("a pipe to write to", () =>
      openSync(fifo, O_WRONLY | O_NONBLOCK),
    );
    closeSync(reader);
    expect(await exportTo(directory, pipe)).toEqual({ code: 141, said: [] });
    closeSync(pipe);
  });
});
