import { describe, expect, test } from "bun:test";
import { isNestedDeeper } from "./json-depth.ts";

describe("isNestedDeeper", () => {
  for (const [text, depth] of [
    ["1", 0],
    ["[]", 1],
    ["[[],[]]", 2],
    ['{"a":[{"b":1}]}', 3],
    ['["[[[["]', 1],
    ['["\\"[[[["]', 1],
    ['["\\\\",[[]]]', 3],
    ['{"a\\\\\\"[":[]}', 2],
    ['["[[', 1],
  ] as const) {
    test(`${text} is nested ${depth} deep`, () => {
      expect(isNestedDeeper(text, depth)).toBe(false);
      if (depth > 0) expect(isNestedDeeper(text, depth - 1)).toBe(true);
    });
  }
});
