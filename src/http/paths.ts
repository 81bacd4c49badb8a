import type { Context } from "hono";

/**
 * A request's path, percent-encoded as a URI and a header need it (RFC 3986 section 2.1), where Hono's
 * `c.req.path` is decoded.
 */
export function encodedPath(c: Context): string {
  return new URL(c.req.url).pathname;
}
