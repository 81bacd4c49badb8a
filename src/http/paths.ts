import type { Context } from "hono";

/**
 * A request's path, percent-encoded for URIs and headers (RFC 3986 section 2.1); Hono's `c.req.path` is
 * decoded.
 */
export function encodedPath(c: Context): string {
  return new URL(c.req.url).pathname;
}
