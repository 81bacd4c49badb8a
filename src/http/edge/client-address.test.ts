import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { addressPrefix, ipVersion, parseAddress } from "../ip-address.ts";
import { addressOf, createClientAddresses, type TrustProxy } from "./client-address.ts";

const PEER = "198.51.100.1";

describe("the peer's address is", () => {
  const rows: [peer: string | undefined, address: string | undefined][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:0201", "192.0.2.1"],
    ["0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"],
    ["2001:DB8:0:0::1", "2001:db8::1"],
    ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["::1", "::1"],
    ["::", "::"],
    [undefined, undefined],
    ["", undefined],
    ["localhost", undefined],
    ["/run/thimble.sock", undefined],
  ];
  for (const [peer, address] of rows) {
    test(`${address} of ${peer}`, () => {
      expect(createClientAddresses()(peer, new Headers())).toBe(address);
    });
  }
});

describe("X-Forwarded-For", () => {
  const rows: [what: string, forwarded: string, trustProxy: number, address: string][] = [
    ["is not believed by default", "192.0.2.1", 0, PEER],
    ["names the caller of the only proxy", "192.0.2.1", 1, "192.0.2.1"],
    ["may have been begun by the client", "203.0.113.9, 192.0.2.1", 1, "192.0.2.1"],
    ["counts from the right", "203.0.113.9, 192.0.2.1, 10.0.0.1", 2, "192.0.2.1"],
    ["may be shorter than it should be", "192.0.2.1", 3, "192.0.2.1"],
    ["may be empty", "", 1, PEER],
    ["may have empty entries", "192.0.2.1,, ,", 1, "192.0.2.1"],
    ["may have spaces and tabs", " \t192.0.2.1\t ", 1, "192.0.2.1"],
    ["may have a port", "192.0.2.1:4711", 1, "192.0.2.1"],
    ["may have IPv6", "2001:db8::1", 1, "2001:db8::1"],
    ["may have IPv6 in brackets", "[2001:DB8::1]", 1, "2001:db8::1"],
    ["may have IPv6 in brackets with a port", "[2001:db8::1]:4711", 1, "2001:db8::1"],
    ["may have IPv6 with a zone", "[fe80::1%25eth0]:80", 1, "fe80::1"],
    ["may have IPv4 within IPv6", "::ffff:192.0.2.1", 1, "192.0.2.1"],
    ["may have IPv4 within IPv6 with a port", "[::ffff:192.0.2.1]:80", 1, "192.0.2.1"],
    ["may say unknown", "unknown", 1, PEER],
    ["may have an obfuscated name", "_hidden", 1, PEER],
    ["may have a host name", "client.example", 1, PEER],
    ["may have a quoted entry, which is Forwarded's", '"192.0.2.1"', 1, PEER],
    ["may have Forwarded's syntax", "for=192.0.2.1", 1, PEER],
    ["may have an address with too large an octet", "192.0.2.256", 1, PEER],
    ["may have too large a port", "192.0.2.1:123456", 1, PEER],
    ["may have a bracket too few", "[2001:db8::1", 1, PEER],
    ["may have IPv4 in brackets", "[192.0.2.1]", 1, "192.0.2.1"],
    ["is not searched beyond what is no address", "192.0.2.1, unknown, 10.0.0.1", 3, "10.0.0.1"],
  ];
  for (const [what, forwarded, trustProxy, address] of rows) {
    test(what, () => {
      expect(addressOf(PEER, forwarded, trustProxy)).toBe(address);
    });
  }

  test("is trusted if the runtime does not report the connection's address", () => {
    expect(addressOf(undefined, "192.0.2.1", 1)).toBe("192.0.2.1");
  });
});

describe("proxies in trusted networks", () => {
  const TRUSTED = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"];
  const clientOf = (peer: string | undefined, forwarded: string, trusted: TrustProxy = TRUSTED) =>
    createClientAddresses(trusted)(peer, new Headers({ "X-Forwarded-For": forwarded }));
  const rows: [what: string, peer: string | undefined, forwarded: string, address: string][] = [
    ["name the client", "10.1.2.3", "198.51.100.1", "198.51.100.1"],
    ["name the client through IPv6", "fd12::3", "2001:db8::1", "2001:db8::1"],
    ["may be IPv4 within IPv6", "::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1"],
    ["may be in a row", "10.0.0.1", "198.51.100.1, fd00::2, 10.0.0.2", "198.51.100.1"],
    ["do not vouch for what a client claims", "10.0.0.1", "10.9.9.9, 203.0.113.9", "203.0.113.9"],
    ["may be the client themselves", "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"],
    ["may be a single address", "192.0.2.7", "198.51.100.1", "198.51.100.1"],
    ["do not include their neighbours", "192.0.2.8", "198.51.100.1", "192.0.2.8"],
    ["do not include strangers", "11.0.0.1", "198.51.100.1", "11.0.0.1"],
    ["may name nobody", "10.0.0.1", "unknown", "10.0.0.1"],
    [
      "are not believed beyond what is no address",
      "10.0.0.1",
      "192.0.2.1, _x, 10.0.0.2",
      "10.0.0.2",
    ],
  ];
  for (const [what, peer, forwarded, address] of rows) {
    test(what, () => expect(clientOf(peer, forwarded)).toBe(address));
  }

  test("are none where the runtime does not report the connection's address", () => {
    expect(clientOf(undefined, "198.51.100.1")).toBeUndefined();
  });

  test("are found again for each connection", () => {
    const clientAddress = createClientAddresses(TRUSTED);
    const headers = new Headers({ "X-Forwarded-For": "198.51.100.1" });
    const peers = ["10.0.0.1", "203.0.113.9", "203.0.113.9", "10.0.0.1", "10.0.0.1"];
    expect(peers.map((peer) => clientAddress(peer, headers))).toEqual([
      ...["198.51.100.1", "203.0.113.9", "203.0.113.9", "198.51.100.1", "198.51.100.1"],
    ]);
  });
});

describe("limits count for", () => {
  const rows: [address: string | undefined, network: string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::6", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:0:1::", "2001:db8:0:1::/64"],
    ["::1", "0:0:0:0::/64"],
    ["1::", "1:0:0:0::/64"],
    ["1::4:5:6:7:8", "1:0:0:4::/64"],
    [undefined, "unknown"],
  ];
  for (const [address, network] of rows) {
    test(`${network}, where the client is ${address}`, () => {
      expect(addressPrefix(address)).toBe(network);
    });
  }
});

describe("whatever a client sends", () => {
  const entry = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.string(),
    fc.constantFrom("unknown", "", ",", "["),
  );

  test("the trusted proxies' entries decide", () => {
    fc.assert(
      fc.property(
        fc.array(entry),
        fc.array(fc.ipV4(), { minLength: 1, maxLength: 10 }),
        (made, appended) => {
          const forwarded = [...made, ...appended].join(", ");
          expect(addressOf(PEER, forwarded, appended.length)).toBe(appended[0] ?? "");
        },
      ),
    );
  });

  test("the result is an address, or nothing", () => {
    fc.assert(
      fc.property(entry, fc.array(entry), fc.nat(10), (peer, made, trustProxy) => {
        const address = addressOf(parseAddress(peer), made.join(), trustProxy);
        if (address !== undefined) expect(ipVersion(address)).not.toBeNull();
      }),
    );
  });

  test("addresses of one /64 count as one client, those of two as two", () => {
    const hextets = (length: number) =>
      fc.array(
        fc.nat(0xffff).map((number) => number.toString(16)),
        { minLength: length, maxLength: length },
      );
    const networkOf = (text: string) => addressPrefix(parseAddress(text));
    fc.assert(
      fc.property(hextets(4), hextets(4), hextets(4), hextets(4), (one, other, host, guest) => {
        const network = networkOf([...one, ...host].join(":"));
        expect(networkOf([...one, ...guest].join(":"))).toBe(network);
        const isSame = networkOf([...other, ...host].join(":")) === network;
        expect(isSame).toBe(one.join() === other.join());
      }),
    );
  });
});
