import { parseAddress } from "../ip-address.ts";
import { type IsInNetworks, parseNetworks } from "../ip-network.ts";

/** How many proxies in front of the service are trusted, or the networks that they are in. */
export type TrustProxy = number | readonly string[];

/**
 * Makes a function that finds the address of the client of a request, for `clientAddress`.
 *
 * @param trustProxy no proxy by default.
 * @throws {RangeError} for what is no network.
 */
export function createClientAddresses(trustProxy: TrustProxy = 0) {
  const trust = typeof trustProxy === "number" ? trustProxy : parseNetworks(trustProxy);
  const last = {
    peer: undefined as string | undefined,
    address: undefined as string | undefined,
    isProxy: trusts(trust, undefined, 0),
  };
  return function clientAddress(peer: string | undefined, headers: Headers): string | undefined {
    // A connection has many requests, and to look at an IPv6 address again takes 3 µs.
    if (peer !== last.peer) {
      last.peer = peer;
      last.address = parseAddress(peer);
      last.isProxy = trusts(trust, last.address, 0);
    }
    const forwarded = last.isProxy ? headers.get("X-Forwarded-For") : null;
    return forwarded === null ? last.address : addressOf(last.address, forwarded, trust);
  };
}

/** Whether the sender at an address is a proxy that is trusted, after this number of others. */
function trusts(
  trust: number | IsInNetworks,
  address: string | undefined,
  proxies: number,
): boolean {
  if (typeof trust === "number") return proxies < trust;
  return address !== undefined && trust(address);
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
  forwarded: string,
  trust: number | IsInNetworks,
): string | undefined {
  let address = peer;
  let proxies = 0;
  const entries = forwarded.split(",").map((entry) => entry.trim());
  for (const entry of entries.filter((entry) => entry !== "").reverse()) {
    const next = trusts(trust, address, proxies) ? parseAddress(entry) : undefined;
    if (next === undefined) break;
    address = next;
    proxies += 1;
  }
  return address;
}
