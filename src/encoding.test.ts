import { expect, test } from "bun:test";
import { fromBase64, toBase64Url, toHex } from "./encoding.ts";

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

test("hexadecimal digits are lower-case, two for every byte", () => {
  expect(toHex(new Uint8Array())).toBe("");
  expect(toHex(Uint8Array.of(0, 9, 10, 127, 128, 255))).toBe("00090a7f80ff");
  expect(toHex(EVERY_BYTE)).toBe(Buffer.from(EVERY_BYTE).toString("hex"));
});

test("hexadecimal digits are the same where the runtime has no function for them", () => {
  const bytes = Object.defineProperty(EVERY_BYTE.slice(), "toHex", { value: undefined });
  expect(toHex(bytes)).toBe(Buffer.from(EVERY_BYTE).toString("hex"));
});

test("base64url has no padding and no character that a URL would escape", () => {
  for (let length = 0; length <= 256; length += 1) {
    const bytes = EVERY_BYTE.slice(256 - length);
    const text = Buffer.from(bytes).toString("base64url");
    expect(toBase64Url(bytes)).toBe(text);
    expect(fromBase64(text)).toEqual(bytes);
  }
});

test("what is not base64url throws", () => {
  for (const text of ["*", "a", "é"]) expect(() => fromBase64(text)).toThrow();
});
