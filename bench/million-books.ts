// Times requests to the compiled binary on a database of a million books: SQLite, then PostgreSQL.
//
//   bun bench/million-books.ts [BOOKS]     TEST_DATABASE_URL may name a server to use
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { inTransaction } from "../src/database/sqlite.ts";
import { createPostgresBookStore } from "../src/resources/stores/postgres.ts";
import { prepareSqliteBooks } from "../src/resources/stores/sqlite.ts";
import { bookWords } from "../src/resources/words.ts";
import { openSqliteFile } from "../src/server/database/sqlite-file.ts";
import { freshDatabase } from "../test/postgres.ts";
import { startService } from "../test/service.ts";
import { API_KEY } from "./api-key.ts";
import { createBooks } from "./books.ts";

const BOOKS = Number(process.argv[2] ?? 1_000_000);
const BATCH = 5000;
const REQUESTS = 300;
const PAGE = 1000;

const directory = mkdtempSync(join(tmpdir(), "thimble-bench-"));

function fillSqlite(path: string): void {
  const database = openSqliteFile(path);
  prepareSqliteBooks(database, Date.now, []);
  const book = database.prepare(
    "INSERT INTO books (title, author, year, created_at, updated_at) VALUES (?, ?, ?, 0, 0) RETURNING id",
  );
  const words = database.prepare("INSERT INTO book_words (rowid, words) VALUES (?, ?)");
  const { next } = createBooks();
  for (let done = 0; done < BOOKS; done += BATCH) {
    inTransaction(database, () => {
      for (let row = done; row < Math.min(done + BATCH, BOOKS); row += 1) {
        const input = next();
        const { id } = book.get(input.title, input.author, input.year) ?? {};
        words.all(Number(id), bookWords(input).join(" "));
      }
    });
  }
  database.exec("PRAGMA optimize");
  database.close();
}

async function fillPostgres(url: string): Promise<void> {
  const sql = postgres(url, { onnotice: () => {} });
  const store = createPostgresBookStore({ connect: () => sql, clock: Date.now, seed: [] });
  await store.prepare();
  const { next } = createBooks();
  for (let done = 0; done < BOOKS; done += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, BOOKS - done) }, next);
    await sql`
      INSERT INTO books (title, author, year, created_at, updated_at, words)
      SELECT title, author, year, now(), now(), array_to_tsvector(string_to_array(words, ' '))
      FROM unnest(
        ${rows.map((row) => row.title)}::text[],
        ${rows.map((row) => row.author)}::text[],
        ${rows.map((row) => row.year)}::integer[],
        ${rows.map((row) => [...new Set(bookWords(row))].join(" "))}::text[]
      ) AS rows (title, author, year, words)`;
  }
  await sql`VACUUM ANALYZE books`;
  await store.close();
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
  console.log(`\n${name}, ${BOOKS} books, ${REQUESTS} requests each, one after the other`);
  for (const figure of figures) console.log(`- ${figure}`);
}

const file = join(directory, "thimble.db");
const { url, drop } = await freshDatabase();
try {
  fillSqlite(file);
  await measure("SQLite", `sqlite:${file}`);
  await fillPostgres(url);
  await measure("PostgreSQL", url);
} finally {
  await drop();
  rmSync(directory, { recursive: true, force: true });
}
process.exit(0);
