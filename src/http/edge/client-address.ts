import { parseAddress } from "../ip-address.ts";

/**
 * Makes a function that finds the address of the client of a request, for `clientAddress`.
 *
 * @param trustProxy the number of proxies in front of the service that are trusted: none by default.
 */
export function createClientAddresses(trustProxy = 0) {
  const last = { peer: undefined as string | undefined, address: undefined as string | undefined };
  return function clientAddress(peer: string | undefined, headers: Headers): string | undefined {
    const forwarded = trustProxy > 0 ? headers.get("X-Forwarded-For") : null;
    if (forwarded !== null) return addressOf(peer, forwarded, trustProxy);
    // A connection has many requests, and to look at an IPv6 address again takes 3 µs.
    if (peer !== last.peer) {
      last.peer = peer;
      last.address = addressOf(peer, undefined, 0);
    }
    return last.address;
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
