import type { Context, MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";
import { ipVersion } from "../process/ip-address.ts";

/** `a.b.c.d`, `a.b.c.d:port`, `x::y`, `[x::y]` or `[x::y]:port`, as proxies write an address. */
const ENTRY = /^(?:\[([^[\]]+)\]|([^:[\]]+)|([^:]*:[^:]*:[^[\]]*))(?::\d{1,5})?$/;

/** An IPv4 address within IPv6 (RFC 4291 section 2.5.5.2), as the URL standard writes it. */
const MAPPED_IPV4 = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

const NETWORK_HEXTETS = 4;
const HEXTETS = 8;

/**
 * Learns the address of every request's client, for {@link clientAddress}.
 *
 * @param trustProxy how many proxies in front of the service are believed, 0 for none.
 */
export function learnClientAddress(trustProxy: number): MiddlewareHandler<AppEnv> {
  return function learnClientAddress(c, next) {
    const peer = c.env?.peerAddress;
    const forwarded = trustProxy > 0 ? c.req.header("X-Forwarded-For") : undefined;
    c.set("clientAddress", addressOf(peer, forwarded, trustProxy));
    return next();
  };
}

/**
 * The IP address of a request's client in its shortest form, without port or zone; `undefined` where the
 * runtime says nothing of the connection.
 */
export function clientAddress(c: Context<AppEnv>): string | undefined {
  return c.var.clientAddress;
}

/**
 * The address that limits count for: an IPv4 address itself, of IPv6 the /64 network, which is the
 * least that one client is given (RFC 6177). Clients without an address are counted as one.
 */
export function limitedNetwork(address: string | undefined): string {
  if (address === undefined) return "unknown";
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::").map((part) => (part === "" ? [] : part.split(":")));
  const zeros = tail ? HEXTETS - head.length - tail.length : 0;
  const hextets = [...head, ...Array<string>(zeros).fill("0"), ...(tail ?? [])];
  return `${hextets.slice(0, NETWORK_HEXTETS).join(":")}::/64`;
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

/** An address without brackets, port and zone, as RFC 5952 writes it. */
function parseAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const [, bracketed, single, plain] = ENTRY.exec(text) ?? [];
  const address = (bracketed ?? single ?? plain)?.split("%", 1)[0] ?? "";
  const version = ipVersion(address);
  if (version === null) return undefined;
  return version === 4 ? address : shortestIpv6(address);
}

/** As a URL's host is written. Not every runtime takes each way to write an IPv4 address within IPv6. */
function shortestIpv6(address: string): string | undefined {
  const shortest = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1);
  if (shortest === undefined) return undefined;
  const [, high, low] = MAPPED_IPV4.exec(shortest) ?? [];
  if (high === undefined || low === undefined) return shortest;
  return [high, low]
    .map((hextet) => Number.parseInt(hextet, 16))
    .flatMap((number) => [number >> 8, number & 0xff])
    .join(".");
}
