import type { MiddlewareHandler } from "hono";
import { DomainError, shortName } from "../../errors.ts";

/**
 * A host and perhaps a port (RFC 9110 section 7.2). A comma could be in a name, but stands between the values
 * of several lines.
 */
const HOST = /^(?:(?:[\w.~!$&'()*+;=-]|%[\dA-F]{2})*|\[[\dA-F:.]+\])(?::\d{0,5})?$/i;

/**
 * Lets only requests pass with one well-formed Host or, as in HTTP/1.0, none (RFC 9112 section 3.2). The
 * servers of Bun and Deno let others through, and then make a URL of it that has another path.
 *
 * @throws {DomainError} `malformed_host`
 */
export function requireHost(): MiddlewareHandler {
  // Most requests have the same one, so that comparing is enough.
  let lastGood: string | undefined;
  return function requireHost(c, next) {
    const host = c.req.header("Host");
    if (host !== lastGood && host !== undefined) {
      if (!HOST.test(host)) throw malformed(host);
      lastGood = host;
    }
    return next();
  };
}

function malformed(host: string): DomainError {
  const detail = `Send one Host, such as example.com:8080; it is ${JSON.stringify(shortName(host))}.`;
  return new DomainError("malformed_host", detail);
}
