/** `a.b.c.d`, `a.b.c.d:port`, `x::y`, `[x::y]` or `[x::y]:port`, as proxies write an address. */
const ENTRY = /^(?:\[([^[\]]+)\]|([^:[\]]+)|([^:]*:[^:]*:[^[\]]*))(?::\d{1,5})?$/;

/** An IPv4 address within IPv6 (RFC 4291 section 2.5.5.2), as the URL standard writes it. */
const MAPPED_IPV4 = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/** How a server that listens on IPv6 and IPv4 shows its clients of IPv4. */
const MAPPED_PREFIX = "::ffff:";

const [DOT, ZERO] = [".".charCodeAt(0), "0".charCodeAt(0)];

const NETWORK_HEXTETS = 4;
const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
const HEXTET = /^[0-9a-fA-F]{1,4}$/;
const HEXTETS = 8;

/**
 * The IP version of the address in `text`, or null if it is not an address.
 *
 * It accepts exactly what Python's `ipaddress.ip_address` does: IPv4 as four decimal octets without
 * leading zeros; IPv6 as in RFC 4291 section 2.2, with an RFC 4007 zone of any characters but `%`.
 *
 * @see https://docs.python.org/3/library/ipaddress.html#ipaddress.ip_address
 */
export function ipVersion(text: string): 4 | 6 | null {
  if (IPV4.test(text)) return 4;
  return isIpv6(text) ? 6 : null;
}

function isIpv6(text: string): boolean {
  if (text.includes("/")) return false;
  const [address = "", zone, ...more] = text.split("%");
  if (zone === "" || more.length > 0) return false;
  const hextets = withIpv4AsHextets(address)?.split(":");
  return hextets !== undefined && (isFull(hextets) || isCompressed(hextets));
}

/** The address with a trailing dotted quad in place of its last 32 bits written as two hextets. */
function withIpv4AsHextets(address: string): string | undefined {
  const lastColon = address.lastIndexOf(":");
  const tail = address.slice(lastColon + 1);
  if (!tail.includes(".")) return address;
  return IPV4.test(tail) ? `${address.slice(0, lastColon + 1)}0:0` : undefined;
}

function isFull(hextets: string[]): boolean {
  return hextets.length === HEXTETS && hextets.every((each) => HEXTET.test(each));
}

/** Whether exactly one `::` replaces one or more hextets of zeros. */
function isCompressed(hextets: string[]): boolean {
  const [head, tail, ...more] = hextets.join(":").split("::");
  if (head === undefined || tail === undefined || more.length > 0) return false;
  const written = [head, tail].flatMap((part) => (part === "" ? [] : part.split(":")));
  return written.length < HEXTETS && written.every((each) => HEXTET.test(each));
}

/**
 * The address for which limits count: an IPv4 address itself; for IPv6 the /64 network, the smallest
 * that a client gets (RFC 6177). All clients without an address count as one.
 */
export function addressPrefix(address: string | undefined): string {
  if (address === undefined) return "unknown";
  if (!address.includes(":")) return address;
  return `${hextetsOf(address).slice(0, NETWORK_HEXTETS).join(":")}::/64`;
}

/** The bits of an address that `parseAddress` returned, in words of 32: one of IPv4, four of IPv6. */
export function addressWords(address: string): number[] {
  if (!address.includes(":")) return [ipv4Word(address)];
  const hextets = hextetsOf(address).map((text) => Number.parseInt(text, 16));
  return [0, 2, 4, 6].map((at) => ((hextets[at] ?? 0) << 16) | (hextets[at + 1] ?? 0));
}

function ipv4Word(address: string): number {
  let [word, octet] = [0, 0];
  for (let index = 0; index < address.length; index += 1) {
    const code = address.charCodeAt(index);
    if (code !== DOT) octet = octet * 10 + code - ZERO;
    else [word, octet] = [(word << 8) | octet, 0];
  }
  return (word << 8) | octet;
}

/** All eight of an IPv6 address, whose zeros may be written as `::`. */
function hextetsOf(address: string): string[] {
  const [head = [], tail] = address.split("::").map((part) => (part === "" ? [] : part.split(":")));
  const zeros = tail ? HEXTETS - head.length - tail.length : 0;
  return [...head, ...Array<string>(zeros).fill("0"), ...(tail ?? [])];
}

/** An address without brackets, port and zone, as RFC 5952 writes it. */
export function parseAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (text.startsWith(MAPPED_PREFIX) && IPV4.test(text.slice(MAPPED_PREFIX.length))) {
    return text.slice(MAPPED_PREFIX.length);
  }
  const [, bracketed, single, plain] = ENTRY.exec(text) ?? [];
  const address = (bracketed ?? single ?? plain)?.split("%", 1)[0] ?? "";
  const version = ipVersion(address);
  if (version === null) return undefined;
  return version === 4 ? address : shortestIpv6(address);
}

/** In the form of a URL's host. Not every runtime accepts every form of an IPv4 address within IPv6. */
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
