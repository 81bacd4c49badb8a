import { shortName } from "../errors.ts";
import { addressWords, ipVersion, parseAddress } from "./ip-address.ts";

/** Whether an address, as `parseAddress` returns it, is in one of some networks. */
export type IsInNetworks = (address: string) => boolean;

/** A network, in words of 32 bits: one of IPv4, four of IPv6. */
type Network = { base: readonly number[]; masks: readonly number[] };

const WORD_BITS = 32;
/** The length of `::ffff:0:0/96`, the network of the IPv4 addresses within IPv6. */
const MAPPED_BITS = 96;

/**
 * Compiles networks such as `10.0.0.0/8` and `fd00::/8`; an address without a length stands for itself. IPv4
 * within IPv6 (RFC 4291 section 2.5.5.2) counts as IPv4.
 *
 * @throws {RangeError} that says what is wrong with the first one that is wrong.
 */
export function parseNetworks(texts: readonly string[]): IsInNetworks {
  const networks = texts.map(parseNetwork);
  return function isInNetworks(address) {
    const words = addressWords(address);
    return networks.some((network) => contains(network, words));
  };
}

function contains({ base, masks }: Network, words: readonly number[]): boolean {
  if (base.length !== words.length) return false;
  return base.every((word, index) => ((words[index] ?? 0) & (masks[index] ?? 0)) === word);
}

function parseNetwork(text: string): Network {
  const [written = "", length, ...more] = text.split("/");
  const isAddress = ipVersion(written) !== null && !written.includes("%");
  const address = isAddress ? parseAddress(written) : undefined;
  if (address === undefined || more.length > 0) {
    throw wrong(text, "is no network; write one as 10.0.0.0/8 or fd00::/8");
  }
  const words = addressWords(address);
  const most = words.length * WORD_BITS;
  const hidden = written.includes(":") && !address.includes(":") ? MAPPED_BITS : 0;
  const bits = length === undefined ? most : parseLength(length) - hidden;
  if (!(bits >= 0 && bits <= most)) {
    throw wrong(text, `needs a length from ${hidden} to ${hidden + most} after the /`);
  }
  const masks = words.map((_, index) => maskOf(bits - index * WORD_BITS));
  const base = words.map((word, index) => word & (masks[index] ?? 0));
  if (base.join() !== words.join()) {
    throw wrong(text, `has bits after its first ${bits}; write ${addressOf(base)}/${bits}`);
  }
  return { base, masks };
}

function parseLength(text: string): number {
  return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
}

/** A word with this many ones at its left, at most all. */
function maskOf(ones: number): number {
  if (ones <= 0) return 0;
  return -1 << (WORD_BITS - Math.min(ones, WORD_BITS));
}

function addressOf(words: readonly number[]): string | undefined {
  if (words.length === 1) return words.flatMap(octetsOf).join(".");
  const hextets = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  return parseAddress(hextets.map((hextet) => hextet.toString(16)).join(":"));
}

const octetsOf = (word: number) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff);

function wrong(text: string, what: string): RangeError {
  return new RangeError(`${JSON.stringify(shortName(text))} ${what}`);
}
