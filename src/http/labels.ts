import type { Context } from "hono";
import { matchedRoutes } from "hono/route";

/** The template of the route that matched a request (`/books/:id`), if one did. */
export function routeTemplate(c: Context): string | undefined {
  return matchedRoutes(c).findLast(({ method }) => method !== "ALL")?.path;
}

/**
 * The methods that metrics and spans name. All others share one name, so that clients cannot create an
 * unlimited number of values.
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
