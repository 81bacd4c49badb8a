import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../env.ts";
import { parseAddress } from "../ip-address.ts";

/**
 * Finds the address of every request's client, for {@link clientAddress}.
 *
 * @param trustProxy the number of proxies in front of the service that are trusted, 0 for none.
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
 * Every proxy appends its caller's address to `X-Forwarded-For`. So the client is the entry that the
 * outermost trusted proxy appended to the list; the peer counts as the last entry. The client may have
 * invented the entries further left. If an entry is not an address, the proxy that sent it is the
 * client.
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
