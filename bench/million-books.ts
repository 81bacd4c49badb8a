// Times requests to the compiled binary on a database of a million books: SQLite, then PostgreSQL.
//
//   bun bench/million-books.ts [BOOKS]     TEST_DATABASE_URL may name a server to use
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { books } from "../src/books.ts";
import { parseDatabaseConfig } from "../src/config/config.ts";
import { openTransfer } from "../src/transfer/open.ts";
import { createBooks } from "../test/created-books.ts";
import { freshDatabase } from "../test/postgres.ts";
import { startService } from "../test/service.ts";
import { API_KEY } from "./api-key.ts";

const BOOKS = Number(process.argv[2] ?? 1_000_000);
const BATCH = 5000;
const REQUESTS = 300;
const PAGE = 1000;
/** How many clients ask for what takes long, while another one asks for `/healthz`. */
const OTHERS = 4;

const directory = mkdtempSync(join(tmpdir(), "thimble-bench-"));

/** Adds the books as an import does, in batches. */
async function fill(databaseUrl: string): Promise<void> {
  const config = parseDatabaseConfig({ DATABASE_URL: databaseUrl }, () => "");
  const database = await openTransfer(config, {
    resources: [books],
    clock: Date.now,
    access: "write",
  });
  const { next } = createBooks();
  const at = new Date().toISOString();
  for (let done = 0; done < BOOKS; done += BATCH) {
    const inputs = Array.from({ length: Math.min(BATCH, BOOKS - done) }, next);
    await database.write([books], async (loader) => {
      const ids = await loader.takeIds(books, inputs.length);
      const entries = inputs.map((input, index) => ({
        id: ids[index] ?? 0,
        ...input,
        created_at: at,
        updated_at: at,
      }));
      await loader.add(books, entries);
    });
  }
  database.sqlite?.exec("PRAGMA optimize");
  await database.close();
}

async function analyze(url: string): Promise<void> {
  const sql = postgres(url, { onnotice: () => {} });
  await sql`VACUUM ANALYZE books`;
  await sql.end();
}

async function ask(url: string, init: RequestInit = {}) {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as { next_cursor: string | null };
}

async function cursorOfPage(url: string, sort: string): Promise<string> {
  let cursor = "";
  for (let page = 1; page < PAGE; page += 1) {
    const from = cursor && `&cursor=${cursor}`;
    const { next_cursor } = await ask(`${url}/books?sort=${sort}${from}`);
    if (next_cursor === null) throw new Error(`${BOOKS} books have ${page} pages, not ${PAGE}`);
    cursor = next_cursor;
  }
  return cursor;
}

async function time(name: string, request: (round: number) => Promise<unknown>) {
  const times: number[] = [];
  for (let round = 0; round < REQUESTS; round += 1) {
    const started = performance.now();
    await request(round);
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.ceil(times.length * share) - 1] ?? 0).toFixed(2);
  return `${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

/** Times `/healthz` while others ask for one list again and again. */
async function timeHealthDuring(name: string, url: string, list: string): Promise<string> {
  let isOver = false;
  const askAgain = async () => {
    while (!isOver) await ask(list);
  };
  const others = Array.from({ length: OTHERS }, askAgain);
  const figure = await time(`/healthz during ${name}`, () => fetch(`${url}/healthz`));
  isOver = true;
  await Promise.all(others);
  return figure;
}

async function measure(name: string, databaseUrl: string): Promise<void> {
  await using service = await startService({ env: { API_KEY, DATABASE_URL: databaseUrl } });
  const { url } = service;
  const { anyWord, next } = createBooks();
  const query = (text: string) => `${url}/books?q=${encodeURIComponent(text)}`;
  const cursor = await cursorOfPage(url, "id");
  const titleCursor = await cursorOfPage(url, "title");
  const write = () =>
    ask(`${url}/books`, {
      method: "POST",
      headers: { "X-API-Key": API_KEY, "Content-Type": "application/json" },
      body: JSON.stringify(next()),
    });
  const figures = [
    await time("first page", () => ask(`${url}/books`)),
    await time(`page ${PAGE}`, () => ask(`${url}/books?cursor=${cursor}`)),
    await time("first page by title", () => ask(`${url}/books?sort=title`)),
    await time(`page ${PAGE} by title`, () => ask(`${url}/books?sort=title&cursor=${titleCursor}`)),
    await time("q, one word", () => ask(query(anyWord()))),
    await time("q, two words", () => ask(query(`${anyWord()} ${anyWord()}`))),
    await time("q, two letters", () => ask(query(anyWord().slice(0, 2)))),
    await time("q by title", () => ask(`${query(anyWord())}&sort=title`)),
    await time("write", write),
  ];
  const author = `author=${encodeURIComponent(next().author)}`;
  for (const [what, list] of [
    ["one letter by title", `${query("b")}&sort=title`],
    ["one letter by year", `${query("b")}&sort=year`],
    ["eight letters by title", `${query("b k m r t n l v")}&sort=title`],
    ["two letters by title", `${query("b k")}&sort=-title`],
    ["one letter of an author", `${query("b")}&${author}`],
    ["one letter of a year without books", `${query("b")}&year=1`],
    ["a year by title", `${url}/books?year=1949&sort=title`],
  ] as const) {
    figures.push(await time(what, () => ask(list)), await timeHealthDuring(what, url, list));
  }
  console.log(`\n${name}, ${BOOKS} books, ${REQUESTS} requests each, one after the other`);
  for (const figure of figures) console.log(`- ${figure}`);
}

const file = join(directory, "thimble.db");
const { url, drop } = await freshDatabase();
try {
  await fill(`sqlite:${file}`);
  await measure("SQLite", `sqlite:${file}`);
  await fill(url);
  await analyze(url);
  await measure("PostgreSQL", url);
} finally {
  await drop();
  rmSync(directory, { recursive: true, force: true });
}
process.exit(0);
