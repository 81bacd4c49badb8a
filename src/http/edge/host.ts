import { DomainError, shortName } from "../../errors.ts";
import type { Check } from "./step.ts";

/**
 * A host and perhaps a port (RFC 9110 section 7.2). A comma could be in a name, but stands between the values
 * of several lines.
 */
const HOST = /^(?:(?:[\w.~!$&'()*+;=-]|%[\dA-F]{2})*|\[[\dA-F:.]+\])(?::\d{0,5})?$/i;

/**
 * Refuses a request without one well-formed Host, except for one that has none, as in HTTP/1.0 (RFC 9112
 * section 3.2). The servers of Bun and Deno let others through, and then make a URL of it that has another
 * path.
 */
export function requireHost(): Check {
  // Most requests have the same one, so that comparing is enough.
  let lastGood: string | null = null;
  return function requireHost({ headers }) {
    const host = headers.get("Host");
    if (host === lastGood || host === null) return undefined;
    if (!HOST.test(host)) return malformed(host);
    lastGood = host;
    return undefined;
  };
}

function malformed(host: string): DomainError {
  const detail = `Send one Host, such as example.com:8080; it is ${JSON.stringify(shortName(host))}.`;
  return new DomainError("malformed_host", detail);
}
