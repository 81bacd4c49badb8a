import { expect, test } from "bun:test";
import { isKept } from "./kept-items.ts";

for (const [name, withoutAny, withGerman] of [
  ["root.res", true, true],
  ["coll/res_index.res", true, true],
  ["curr/pool.res", true, true],
  ["units.res", true, true],
  ["zoneinfo64.res", true, true],
  ["nfkc.nrm", true, true],
  ["brkitr/word.brk", true, true],
  ["coll/ucadata.icu", true, true],
  ["lang/en.res", true, true],
  ["en_US_POSIX.res", true, true],
  ["de.res", false, true],
  ["curr/de_AT.res", false, true],
  ["coll/de__PHONEBOOK.res", false, true],
  ["gsw.res", false, false],
  ["zone/sr_Latn_RS.res", false, false],
  ["brkitr/thaidict.dict", false, false],
] as const) {
  test(`${name} is ${withoutAny ? "always kept" : "kept only for its language"}`, () => {
    expect(isKept(`icudt78l/${name}`, new Set())).toBe(withoutAny);
    expect(isKept(`icudt78l/${name}`, new Set(["de"]))).toBe(withGerman);
  });
}

test("the words of Chinese and Japanese are kept for either", () => {
  const name = "icudt78l/brkitr/cjdict.dict";
  expect([["zh"], ["ja"], ["th"]].map((languages) => isKept(name, new Set(languages)))).toEqual([
    true,
    true,
    false,
  ]);
});

test("an item that nobody knows is kept", () => {
  expect(isKept("icudt79l/new.thing", new Set())).toBe(true);
});
