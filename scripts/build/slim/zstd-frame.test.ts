import { describe, expect, test } from "bun:test";
import { rawFrame } from "./made-up.ts";
import { frameLength } from "./zstd-frame.ts";

const AFTER = [0x28, 0xb5, 0x2f, 0xfd];

describe("the length of a zstd frame", () => {
  for (const [what, frame] of [
    ["with one block", rawFrame(new Uint8Array(100))],
    ["of a short text", Bun.zstdCompressSync("thimble")],
    ["of nothing", Bun.zstdCompressSync("")],
    ["of one byte that is repeated", Bun.zstdCompressSync(new Uint8Array(300_000))],
    ["with several blocks", Bun.zstdCompressSync(crypto.getRandomValues(new Uint8Array(60_000)))],
  ] as const) {
    test(`${what} ends where the next bytes begin`, () => {
      expect(frameLength(Uint8Array.of(...frame, ...AFTER))).toBe(frame.length);
    });
  }

  test("counts the window, the id of a dictionary and the checksum", () => {
    const frame = [0x28, 0xb5, 0x2f, 0xfd, 0b0000_0111, 0, 1, 0, 0, 0, 1, 0, 0, 9, 9, 9, 9];
    expect(frameLength(Uint8Array.of(...frame, ...AFTER))).toBe(frame.length);
  });

  for (const [what, bytes, message] of [
    ["something else", Uint8Array.of(1, 2, 3, 4), "it is not a zstd frame"],
    ["a frame that is cut off", rawFrame(new Uint8Array(9)).subarray(0, -1), "has no end"],
    ["a header that is cut off", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20), "has no end"],
    ["a block of an unknown kind", Uint8Array.of(...AFTER, 0x20, 1, 7, 0, 0), "is damaged"],
  ] as const) {
    test(`of ${what} is an error`, () => {
      expect(() => frameLength(bytes)).toThrow(message);
    });
  }
});
