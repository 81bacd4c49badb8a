import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import vectors from "../../test/vectors/ip-addresses.json" with { type: "json" };
import { ipVersion } from "./ip-address.ts";

/** CPython's `ipaddress`, step by step as in its source, so different from our implementation. */
const python = {
  ipVersion(text: string): 4 | 6 | null {
    if (python.isIpv4(text)) return 4;
    return python.isIpv6(text) ? 6 : null;
  },

  isIpv4(text: string): boolean {
    const octets = text.split(".");
    return octets.length === 4 && octets.every(python.isOctet);
  },

  isOctet(text: string): boolean {
    if (text.length < 1 || text.length > 3) return false;
    for (const character of text) if (!"0123456789".includes(character)) return false;
    if (text !== "0" && text[0] === "0") return false;
    return Number.parseInt(text, 10) <= 255;
  },

  isIpv6(text: string): boolean {
    if (text.includes("/")) return false;
    const percent = text.indexOf("%");
    const address = percent < 0 ? text : text.slice(0, percent);
    const zone = percent < 0 ? undefined : text.slice(percent + 1);
    if (zone !== undefined && (zone === "" || zone.includes("%"))) return false;

    const parts = address.split(":");
    if (parts.length < 3) return false;
    if (parts.at(-1)?.includes(".")) {
      if (!python.isIpv4(parts.pop() ?? "")) return false;
      parts.push("0", "0");
    }
    if (parts.length > 9) return false;

    let skip: number | undefined;
    for (let index = 1; index < parts.length - 1; index += 1) {
      if (parts[index] !== "") continue;
      if (skip !== undefined) return false;
      skip = index;
    }
    if (skip === undefined) return parts.length === 8 && parts.every(python.isHextet);

    let high = skip;
    let low = parts.length - skip - 1;
    if (parts[0] === "") {
      high -= 1;
      if (high > 0) return false;
    }
    if (parts.at(-1) === "") {
      low -= 1;
      if (low > 0) return false;
    }
    if (8 - (high + low) < 1) return false;
    const written = [...parts.slice(0, high), ...parts.slice(parts.length - low)];
    return written.every(python.isHextet);
  },

  isHextet(text: string): boolean {
    if (text.length < 1 || text.length > 4) return false;
    for (const character of text) {
      if (!"0123456789abcdefABCDEF".includes(character)) return false;
    }
    return true;
  },
};

const octet = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 255 }).map(String) },
  fc.integer({ min: 256, max: 1000 }).map(String),
  fc.constantFrom("", "00", "01", "001", "0255", "+1", "-1", "1e1", "0x1", "\u0661", "\u00b2"),
);
const hextet = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16)) },
  fc.constantFrom("0", "0000", "FFFF", "aBcD", "00000", "12345", "g", "", "\u0661", "0x1", "+1"),
);
const quad = fc.array(octet, { minLength: 3, maxLength: 5 }).map((octets) => octets.join("."));
const trueQuad = fc
  .array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 })
  .map((octets) => octets.join("."));
const hextets = (most: number) =>
  fc.array(hextet, { maxLength: most }).map((written) => written.join(":"));
const trueHextet = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
const trueHextets = fc.array(trueHextet, { maxLength: 9 }).map((written) => written.join(":"));
const tail = fc.oneof(hextets(8), trueHextets, quad, trueQuad);
const zone = fc.oneof(
  { weight: 6, arbitrary: fc.constant("") },
  fc.constantFrom(
    "%",
    "%eth0",
    "%%",
    "%a%b",
    "%a/b",
    "% ",
    "%\n",
    "%\u00e9",
    "%0",
    "%:",
    "%1.2.3.4",
  ),
);
const colons = fc.constantFrom("::", "::", ":", ":::", "");
const six = fc
  .tuple(fc.oneof(hextets(9), trueHextets), colons, tail, zone)
  .map((parts) => parts.join(""));

/** A text with one of its characters removed, doubled or replaced. */
const slightlyWrong = (texts: fc.Arbitrary<string>) =>
  fc
    .tuple(texts, fc.nat(), fc.constantFrom("", ":", ".", "%", "/", " ", "0", "f", "\n", "\u0660"))
    .map(([text, at, put]) => {
      const index = at % (text.length + 1);
      return text.slice(0, index) + put + text.slice(index + (at % 2));
    });

const nearlyAddresses = fc.oneof(
  quad,
  trueQuad,
  six,
  trueHextets,
  hextets(9),
  fc.ipV4(),
  fc.ipV6(),
  slightlyWrong(fc.oneof(trueQuad, fc.ipV4(), fc.ipV6(), six)),
  fc.string({ unit: "binary" }),
);

test("every vector that Python made", () => {
  const rows = vectors as { ip: string; version: 4 | 6 | null }[];
  expect(rows).not.toBeEmpty();
  expect(rows.map(({ ip }) => ({ ip, version: ipVersion(ip) }))).toEqual(
    rows.map(({ ip, version }) => ({ ip, version })),
  );
});

test("every text is what Python's algorithm says it is", () => {
  fc.assert(
    fc.property(nearlyAddresses, (text) => {
      expect(ipVersion(text)).toBe(python.ipVersion(text));
    }),
    { numRuns: 20_000 },
  );
});

test("every number of hextets before and after every kind of gap", () => {
  const texts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((before) =>
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((after) =>
      ["", ":", "::", ":::", "::1::"].flatMap((gap) =>
        ["", "1.2.3.4", ":1.2.3.4", ":1.2.3.04", ":", "%1"].map(
          (end) => Array(before).fill("a").join(":") + gap + Array(after).fill("b").join(":") + end,
        ),
      ),
    ),
  );
  for (const text of texts) {
    expect({ text, version: ipVersion(text) }).toEqual({ text, version: python.ipVersion(text) });
  }
});

describe("the real ipaddress module", () => {
  /** Python 3.9.5 was the first to refuse leading zeros; 3.9 the first to accept zones. */
  const probe = "import sys, ipaddress; print(sys.version_info >= (3, 9, 5))";
  const executable = Bun.which("python3");
  const found = executable ? Bun.spawnSync([executable, "-c", probe]).stdout.toString().trim() : "";
  const usable = found === "True";
  const reason = usable ? "" : " (skipped: there is no python3 of 3.9.5 or later here)";

  const program = `
import ipaddress, json, sys
def version(text):
    try:
        return ipaddress.ip_address(text).version
    except ValueError:
        return None
json.dump([version(text) for text in json.load(sys.stdin)], sys.stdout)
`;

  test.skipIf(!usable)(`agrees on 5,000 texts${reason}`, () => {
    const texts = fc.sample(nearlyAddresses, 5000);
    const { stdout, stderr, exitCode } = Bun.spawnSync([executable ?? "", "-c", program], {
      stdin: Buffer.from(JSON.stringify(texts)),
    });
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
    const versions: (4 | 6 | null)[] = JSON.parse(stdout.toString());
    expect(versions).toHaveLength(texts.length);
    const valid = versions.filter((version) => version !== null).length;
    expect(valid).toBeGreaterThan(texts.length / 20);
    expect(texts.map((text) => ({ text, version: ipVersion(text) }))).toEqual(
      texts.map((text, index) => ({ text, version: versions[index] ?? null })),
    );
  });
});
