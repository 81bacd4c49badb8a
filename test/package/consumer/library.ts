import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { type BookStore, bookRoutes, healthRoutes, requireApiKey } from "thimble";

/** An app of our own, with the books of a store among its routes. */
export function createLibrary({ store, apiKey }: { store: BookStore; apiKey: string }) {
  const service = { name: "library", version: "1.0.0" };
  return new Hono()
    .use(requestId())
    .get("/", (c) => c.text("The library"))
    .route("/library", bookRoutes({ store, writeAccess: requireApiKey(apiKey) }))
    .route("/", healthRoutes({ service, environment: "production", store }));
}

export type Library = ReturnType<typeof createLibrary>;
