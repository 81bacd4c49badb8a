import type { Context } from "hono";

/**
 * A reference to what is below the path of a request, relative to its URL (RFC 3986 section 4.2): right
 * wherever another app has mounted the path, and behind a proxy that takes a prefix away.
 *
 * @param below percent-encoded already.
 */
export function referenceBelow(c: Context, below: string): string {
  // Hono's own `c.req.path` is decoded.
  const { pathname } = new URL(c.req.url);
  const last = pathname.slice(pathname.lastIndexOf("/") + 1);
  // With the dot, no colon in a name makes it a scheme.
  return last === "" ? `./${below}` : `./${last}/${below}`;
}
