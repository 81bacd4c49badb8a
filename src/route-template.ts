import type { Context } from "hono";
import { matchedRoutes } from "hono/route";

/** The path of the route that a request met, as it was registered (`/books/:id`), if it met one. */
export function routeTemplate(c: Context): string | undefined {
  return matchedRoutes(c).findLast(({ method }) => method !== "ALL")?.path;
}
