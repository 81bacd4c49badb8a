// The least that a server on Bun can do for an answer: a bare `Bun.serve` that reads the request's body, makes
// the service's query with the bare driver, and sends the bytes that the service sends. `bun run bench` starts it.
import { DatabaseSync } from "node:sqlite";
import postgres from "postgres";
import type { Answer } from "./answers.ts";

type Row = { id: number; created_at: number | string | Date; updated_at: number | string | Date };
type Body = () => string | Promise<string>;

const { PORT, PATHNAME = "", DATABASE_URL = "", DATABASE_POOL_SIZE, ANSWER = "" } = process.env;
const COLUMNS = "id, title, author, year, created_at, updated_at";

const answer: Answer = JSON.parse(ANSWER);
const { status, headers } = answer;
const body = bodyOf();

Bun.serve({
  port: Number(PORT),
  hostname: "127.0.0.1",
  development: false,
  fetch: async (request) => {
    if (request.method === "POST") await request.text();
    return new Response(await body(), { status, headers });
  },
});

function bodyOf(): Body {
  if (!PATHNAME.startsWith("/books")) return () => answer.body;
  if (DATABASE_URL.startsWith("postgres:")) return bookOfPostgres();
  const sqlite = new DatabaseSync(DATABASE_URL.replace("sqlite:", ""));
  return PATHNAME === "/books" ? listOf(sqlite) : bookOf(sqlite);
}

function bookOf(sqlite: DatabaseSync): Body {
  const query = sqlite.prepare(`SELECT ${COLUMNS} FROM books WHERE id = ?`);
  return () => JSON.stringify(withTimes(query.get(1) as Row));
}

function listOf(sqlite: DatabaseSync): Body {
  // One more than the page, as the service does to see whether there is a next one.
  const query = sqlite.prepare(`SELECT ${COLUMNS} FROM books ORDER BY id LIMIT 51`);
  const { next_cursor }: { next_cursor: string | null } = JSON.parse(answer.body);
  return () => {
    const items = (query.all() as Row[]).slice(0, 50).map(withTimes);
    return JSON.stringify({ items, next_cursor });
  };
}

function bookOfPostgres(): Body {
  const sql = postgres(DATABASE_URL, { max: Number(DATABASE_POOL_SIZE) });
  return async () => {
    const [row] = await sql<Row[]>`SELECT ${sql.unsafe(COLUMNS)} FROM books WHERE id = ${1}`;
    return JSON.stringify(row && withTimes(row));
  };
}

/** A row with its times as the answer has them. */
function withTimes(row: Row): Row {
  // The driver gives 64-bit integers of PostgreSQL as text.
  row.id = Number(row.id);
  row.created_at = new Date(row.created_at).toISOString();
  row.updated_at = new Date(row.updated_at).toISOString();
  return row;
}
