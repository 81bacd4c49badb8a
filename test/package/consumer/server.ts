import { Hono } from "hono";
import { openPostgresBooks } from "thimble/postgres";
import { openSqliteBooks } from "thimble/sqlite";
import { createLibrary } from "./library.ts";
import { createService } from "./service.ts";

export function createServer({ books, apiKey }: { books: string; apiKey: string }) {
  const store = books.startsWith("postgres://") ? openPostgresBooks(books) : openSqliteBooks(books);
  return new Hono()
    .route("/", createLibrary({ store, apiKey }))
    .route("/service", createService({ apiKey }));
}
