import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { bookRoutes, healthRoutes, requireApiKey } from "thimble";
import { openSqliteBooks } from "thimble/sqlite";

/** An app of our own that has the books of a SQLite file among its routes. */
export function createLibrary(options: { path: string; apiKey: string }) {
  const store = openSqliteBooks(options.path);
  const service = { name: "library", version: "1.0.0" };
  return new Hono()
    .use(requestId())
    .get("/", (c) => c.text("The library"))
    .route("/library", bookRoutes({ store, writeAccess: requireApiKey(options.apiKey) }))
    .route("/", healthRoutes({ service, environment: "production", store }));
}

export type Library = ReturnType<typeof createLibrary>;
