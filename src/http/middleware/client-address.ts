import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../env.ts";
import { parseAddress } from "../ip-address.ts";

/**
 * Learns the address of every request's client, for {@link clientAddress}.
 *
 * @param trustProxy how many proxies in front of the service are believed, 0 for none.
 */
export function clientAddress(trustProxy: number): MiddlewareHandler<AppEnv> {
  return function clientAddress(c, next) {
    const peer = c.env?.peerAddress;
    const forwarded = trustProxy > 0 ? c.req.header("X-Forwarded-For") : undefined;
    c.set("clientAddress", addressOf(peer, forwarded, trustProxy));
    return next();
  };
}

/**
 * Every proxy appends to `X-Forwarded-For` whom it was called by. So of the list, and the peer after it,
 * the entry that the outermost trusted proxy appended is the client; whatever is left of it, the client
 * may have made up. An entry that is no address ends the search at the proxy which sent it.
 *
 * @internal exported for its test.
 */
export function addressOf(
  peer: string | undefined,
  forwarded: string | undefined,
  trustProxy: number,
): string | undefined {
  let address = parseAddress(peer);
  const entries = forwarded?.split(",").map((entry) => entry.trim()) ?? [];
  const outermostLast = entries.filter((entry) => entry !== "").reverse();
  for (const entry of outermostLast.slice(0, trustProxy)) {
    const next = parseAddress(entry);
    if (next === undefined) break;
    address = next;
  }
  return address;
}
