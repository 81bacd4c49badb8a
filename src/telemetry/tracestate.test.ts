import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseTracestate } from "./tracestate.ts";

const members = (count: number, value = "1") =>
  Array.from({ length: count }, (_, index) => `k${index}=${value}`).join(",");

describe("is taken", () => {
  const rows: [what: string, header: string, taken?: string][] = [
    ["one member", "rojo=00f067aa0ba902b7"],
    ["several, in their order", "rojo=1,congo=t61rcWkgMzE"],
    ["space around members", " rojo=1 ,\t congo=2 ", "rojo=1,congo=2"],
    ["empty members, which are left out", "rojo=1,,  ,congo=2,", "rojo=1,congo=2"],
    ["a tenant's key", "fw529a3039@dt=FfAPPwAA"],
    ["a key that begins with a digit", "0rojo=1"],
    ["every character that a key may have", "a0_-*/@z=1"],
    ["a key of 256 characters", `${"k".repeat(256)}=1`],
    ["a value of 256 characters", `rojo=${"v".repeat(256)}`],
    ["spaces within a value", "rojo=a b  c"],
    ["every kind of character in a value", "rojo=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~"],
    ["32 members", members(32)],
  ];
  for (const [what, header, taken = header] of rows) {
    test(what, () => {
      expect(parseTracestate(header)).toBe(taken);
    });
  }
});

describe("is discarded whole", () => {
  const rows: [what: string, header: string][] = [
    ["empty", ""],
    ["empty members alone", " , ,"],
    ["33 members", members(33)],
    ["a key twice", "rojo=1,congo=2,rojo=3"],
    ["no value", "rojo=1,congo="],
    ["no key", "=1"],
    ["no equals sign", "rojo"],
    ["a key in upper case", "Rojo=1"],
    ["a key that begins with neither a letter nor a digit", "@rojo=1"],
    ["a key of 257 characters", `${"k".repeat(257)}=1`],
    ["a value of 257 characters", `rojo=${"v".repeat(257)}`],
    ["an equals sign in a value", "rojo=a=b"],
    ["a character outside of ASCII", "rojo=é"],
    ["a control character", "rojo=a\x01b"],
  ];
  for (const [what, header] of rows) {
    test(what, () => {
      expect(parseTracestate(header)).toBeUndefined();
    });
  }
});

describe("in more than 512 characters", () => {
  test("members of more than 128 leave first", () => {
    const long = `long=${"v".repeat(200)}`;
    const short = members(20, "v".repeat(20));
    expect(parseTracestate(`${long},${short}`)).toBe(short);
  });

  test("then those at the end", () => {
    const taken = parseTracestate(members(30, "v".repeat(40))) ?? "";
    expect(taken.length).toBeLessThanOrEqual(512);
    expect(taken).toStartWith(`k0=${"v".repeat(40)},k1=`);
    expect(taken.split(",")).toHaveLength(11);
  });

  test("one that has nothing left is none", () => {
    const long = (key: string) => `${key}=${"v".repeat(256)}`;
    expect(parseTracestate(`${long("a")},${long("b")}`)).toBeUndefined();
  });
});

test("every accepted list is short and clean, and is accepted again unchanged", () => {
  const part = fc.constantFrom("a", "B", "1", "=", ",", " ", "\t", "@", "é", "v".repeat(90));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      const taken = parseTracestate(parts.join(""));
      if (taken === undefined) return;
      expect(taken).toMatch(/^[\x20-\x7e]{1,512}$/);
      expect(parseTracestate(taken)).toBe(taken);
    }),
  );
});
