import { describe, expect, test } from "bun:test";
import { madeUpExecutable } from "./slim/made-up.ts";
import { ENGINE_PREFIX, UNREAD_VARIABLES, withoutVariables } from "./unread-variables.ts";

const MACHINE_OFFSET = 18;
const NAMES = Object.keys(UNREAD_VARIABLES);
const TLS = "process.env.NODE_TLS_REJECT_UNAUTHORIZED";
/** As in Bun: the constants of C, those of Rust, and JavaScript. */
const DATA = [
  `\0${NAMES.join("\0")}\0BUN_OPTIONSBUN_INSPECT`,
  "NODE_TLS_REJECT_UNAUTHORIZEDBUN_CONFIG_REGISTRYBUN_CONFIG_VERBOSE_FETCH[unknown]",
  `return ${TLS} !== "0"; return ${TLS} === "0"; x = ${TLS} !== "0"`,
].join("\0");
/** The string in bytecode, with its length and its hash. */
const inBytecode = (name: string) =>
  `${String.fromCharCode(name.length)}\0\0\x80\x13\x91\xf3\0${name}`;
const BYTECODE = `\x04${inBytecode("ICU_DATA")}\0${inBytecode("ICU_DATA_OF")}${inBytecode("ICU_DATA")}\x9d`;

/** `cmp byte [r14 + i], letter; jne`, as clang writes it. */
const x64Code = [...ENGINE_PREFIX]
  .map((letter, i) =>
    i === 0
      ? `\x41\x80\x3e${letter}\x75\xe5`
      : `\x41\x80\x7e${String.fromCharCode(i)}${letter}\x75\xe5`,
  )
  .join("");

/** `ldrb w8, [x20, i]; cmp w8, letter; b.ne`. */
const arm64Code = [...ENGINE_PREFIX]
  .flatMap((letter, i) => [
    0x39400288 | (i << 10),
    0x7100011f | (letter.charCodeAt(0) << 10),
    0x54fffec1,
  ])
  .map((word) => Buffer.from(Uint32Array.of(word).buffer).toString("latin1"))
  .join("");

const MACHINES = { x64: [62, x64Code], arm64: [183, arm64Code] } as const;

function executable(machine: number, ...content: string[]): Buffer {
  const file = Buffer.from(madeUpExecutable());
  file.writeUInt16LE(machine, MACHINE_OFFSET);
  return Buffer.concat([file, Buffer.from(content.join(""), "latin1")]);
}

for (const [name, [machine, code]] of Object.entries(MACHINES)) {
  describe(`an executable for ${name}`, () => {
    const before = executable(machine, DATA, code);
    const after = Buffer.from(withoutVariables(before));

    test("stays as long, and finds no variable", () => {
      expect(after.length).toBe(before.length);
      for (const each of NAMES) expect(after.includes(`\0${each}\0`)).toBe(false);
      expect(after.includes(TLS)).toBe(false);
      expect(after.includes(`${"void 0".padEnd(TLS.length)} !== "0"`)).toBe(true);
      expect(after.includes("\0BUN_OPTIONSBUN_INSPECT")).toBe(true);
    });

    test("compares the first letter of an option of the engine with zero, and no other", () => {
      const start = before.length - code.length;
      const changed = [...code].flatMap((_, i) =>
        before[start + i] === after[start + i] ? [] : [[i, before[start + i], after[start + i]]],
      );
      expect(changed).toEqual(
        name === "x64"
          ? [[3, "B".charCodeAt(0), 0]]
          : [
              [5, (("B".charCodeAt(0) << 2) & 0xff) | 1, 1],
              [6, 1, 0],
            ],
      );
    });
  });
}

test("an executable finds no variable from bytecode either", () => {
  const after = Buffer.from(withoutVariables(executable(62, DATA, BYTECODE, x64Code)));
  const expected = BYTECODE.replaceAll(/ICU_DATA(?!_)/g, "\0CU_DATA");
  expect(after.includes(expected, "latin1")).toBe(true);
});

describe("an executable is refused", () => {
  for (const [what, file, message] of [
    [
      "without a name",
      executable(62, DATA.replace("BUN_BE_BUN", "BUN_BE_NEW"), x64Code),
      "ignore BUN_BE_BUN: it is there 0 times, and not 1",
    ],
    [
      "with a name twice",
      executable(62, DATA, "\0ICU_DATA\0", x64Code),
      "ignore ICU_DATA: it is there 2 times, and not 1",
    ],
    [
      "with other JavaScript",
      executable(62, DATA.replaceAll(`${TLS} ===`, "x ==="), x64Code),
      "in node:tls: it is there 2 times, and not 3",
    ],
    [
      "with other code",
      executable(62, DATA, arm64Code),
      "ignore BUN_JSC_*: it is there 0 times, and not 1",
    ],
    [
      "for another machine",
      executable(243, DATA, x64Code),
      "unknown machine, 243: expected x64 or arm64",
    ],
  ] as const) {
    test(what, () => {
      expect(() => withoutVariables(file)).toThrow(message);
    });
  }

  test("that is a script", () => {
    expect(() => withoutVariables(Buffer.from("#!/bin/sh"))).toThrow("is not a 64-bit");
  });
});
