import { Hono } from "hono";
import { requestId } from "hono/request-id";
import {
  books,
  createStore,
  type Database,
  healthRoutes,
  requireApiKey,
  resourceRoutes,
} from "thimble";
import { loans } from "./loans.ts";

/** An app of our own, with the books and the loans of a database among its routes. */
export function createLibrary({ database, apiKey }: { database: Database; apiKey: string }) {
  const service = { name: "library", version: "1.0.0" };
  const writeAccess = requireApiKey(apiKey);
  return new Hono()
    .use(requestId())
    .get("/", (c) => c.text("The library"))
    .route("/library", resourceRoutes(books, { store: createStore(database, books), writeAccess }))
    .route("/loans", resourceRoutes(loans, { store: createStore(database, loans), writeAccess }))
    .route("/", healthRoutes({ service, environment: "production", database }));
}

export type Library = ReturnType<typeof createLibrary>;
