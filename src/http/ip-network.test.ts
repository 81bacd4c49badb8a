import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseAddress } from "./ip-address.ts";
import { parseNetworks } from "./ip-network.ts";

const isIn = (network: string, address: string) =>
  parseNetworks([network])(parseAddress(address) ?? "");

describe("a network", () => {
  const rows: [network: string, inside: string[], outside: string[]][] = [
    ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0", "a00::"]],
    ["192.168.4.0/22", ["192.168.4.0", "192.168.7.255"], ["192.168.3.255", "192.168.8.0"]],
    ["192.0.2.128/25", ["192.0.2.128", "192.0.2.255"], ["192.0.2.127"]],
    ["192.0.2.1", ["192.0.2.1", "::ffff:192.0.2.1"], ["192.0.2.0", "192.0.2.2"]],
    ["192.0.2.1/32", ["192.0.2.1"], ["192.0.2.0"]],
    ["0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "::1"]],
    ["fd00::/8", ["fd00::", "fdff:ffff::1"], ["fc00::1", "fe00::", "253.0.0.1"]],
    ["2001:db8:0:40::/58", ["2001:db8:0:7f::1"], ["2001:db8:0:80::", "2001:db8:0:3f::"]],
    ["::1", ["::1"], ["::", "::2", "0.0.0.1"]],
    ["::/0", ["::", "ffff::"], ["1.2.3.4", "::ffff:1.2.3.4"]],
    ["::ffff:10.0.0.0/104", ["10.1.2.3", "::ffff:a01:203"], ["11.0.0.0"]],
    ["::ffff:0:0/96", ["1.2.3.4"], ["::1"]],
  ];
  for (const [network, inside, outside] of rows) {
    test(`${network} has ${inside.join(", ")}, and not ${outside.join(", ")}`, () => {
      for (const address of inside)
        expect({ address, is: isIn(network, address) }).toEqual({ address, is: true });
      for (const address of outside)
        expect({ address, is: isIn(network, address) }).toEqual({ address, is: false });
    });
  }

  test("of any length has the addresses that begin with its bits", () => {
    const number = fc.nat(0xffff_ffff);
    fc.assert(
      fc.property(number, number, fc.nat(32), (one, other, length) => {
        const written = (value: number) =>
          [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
        const mask = length === 0 ? 0 : (-1 << (32 - length)) >>> 0;
        const network = `${written((one & mask) >>> 0)}/${length}`;
        expect(isIn(network, written(other))).toBe((other & mask) === (one & mask));
        expect(isIn(network, written(one))).toBe(true);
      }),
    );
  });
});

describe("what is refused, and why:", () => {
  const NO_NETWORK = "is no network; write one as 10.0.0.0/8 or fd00::/8";
  const rows: [text: string, problem: string][] = [
    ["", NO_NETWORK],
    ["10.0.0.0/8/8", NO_NETWORK],
    ["10.0.0/8", NO_NETWORK],
    ["10.0.0.256/32", NO_NETWORK],
    ["10.0.0.0:80/8", NO_NETWORK],
    ["[fd00::]/8", NO_NETWORK],
    ["fe80::%eth0/64", NO_NETWORK],
    ["proxy.internal", NO_NETWORK],
    ["10.0.0.0/33", "needs a length from 0 to 32 after the /"],
    ["10.0.0.0/", "needs a length from 0 to 32 after the /"],
    ["10.0.0.0/-1", "needs a length from 0 to 32 after the /"],
    ["10.0.0.0/255.0.0.0", "needs a length from 0 to 32 after the /"],
    ["fd00::/129", "needs a length from 0 to 128 after the /"],
    ["::ffff:10.0.0.0/95", "needs a length from 96 to 128 after the /"],
    ["10.0.0.5/8", "has bits after its first 8; write 10.0.0.0/8"],
    ["2001:db8::1/32", "has bits after its first 32; write 2001:db8::/32"],
  ];
  for (const [text, problem] of rows) {
    test(`${JSON.stringify(text)} ${problem}`, () => {
      expect(() => parseNetworks(["10.0.0.0/8", text])).toThrow(
        new RangeError(`${JSON.stringify(text)} ${problem}`),
      );
    });
  }
});
