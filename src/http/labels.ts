import type { Context } from "hono";
import { matchedRoutes } from "hono/route";

/** The path of the route that a request met, as it was registered (`/books/:id`), if it met one. */
export function routeTemplate(c: Context): string | undefined {
  return matchedRoutes(c).findLast(({ method }) => method !== "ALL")?.path;
}

/**
 * The methods that metrics and spans name. Any other has one name together, so that no client can make up
 * values without end.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/#http-request-method
 */
export const KNOWN_METHODS: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "QUERY",
  "TRACE",
]);
