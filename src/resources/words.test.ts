import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { books } from "../books.ts";
import { searchWords } from "./resource.ts";
import { wordsOf } from "./words.ts";

const TABLE: [text: string, words: string[]][] = [
  ["", []],
  [" \t!?-\u2014\u3000", []],
  ["To Kill a Mockingbird", ["to", "kill", "a", "mockingbird"]],
  ["Nineteen Eighty-Four, 1984!", ["nineteen", "eighty", "four", "1984"]],
  ["don't", ["don", "t"]],
  ["Caf\u00e9", ["cafe"]],
  ["Cafe\u0301", ["cafe"]],
  ["STRASSE Stra\u00dfe", ["strasse", "strasse"]],
  ["STRA\u1e9eE", ["strasse"]],
  ["\u0141\u00f3d\u017a", ["lodz"]],
  [
    "S\u00f8ren \u00c6gir \u0152uvre \u00deor \u0110\u00f0 \u0126",
    ["soren", "aegir", "oeuvre", "thor", "dd", "h"],
  ],
  [
    "\u039f\u0394\u039f\u03a3 \u03bf\u03b4\u03bf\u03c2",
    ["\u03bf\u03b4\u03bf\u03c3", "\u03bf\u03b4\u03bf\u03c3"],
  ],
  ["\u0130stanbul \u0131\u015f\u0131k", ["istanbul", "isik"]],
  ["\uff21\uff22\uff23 \ufb01ne \u00b2", ["abc", "fine", "2"]],
  ["\u5b6b\u5b50\u5175\u6cd5", ["\u5b6b\u5b50\u5175\u6cd5"]],
  ["snake_case", ["snake", "case"]],
  ["a\u200bb", ["a", "b"]],
];

for (const [text, words] of TABLE) {
  test(`${JSON.stringify(text)} has the words ${JSON.stringify(words)}`, () => {
    expect(wordsOf(text)).toEqual(words);
  });
}

test("vowel signs of Indic scripts stay, for they are no accents", () => {
  expect(wordsOf("\u0939\u093f\u0928\u094d\u0926\u0940")).toEqual([
    "\u0939\u093f\u0928\u094d\u0926\u0940",
  ]);
});

test("a book is found by the words of its title and its author", () => {
  const emma = { title: "Emma", author: "Jane Austen", year: 1815 };
  expect(searchWords(books, emma)).toEqual(["emma", "jane", "austen"]);
});

test("a word is cut where PostgreSQL could not keep it", () => {
  const [word = ""] = wordsOf("\u{20000}".repeat(600));
  expect([...word]).toHaveLength(500);
  expect(new TextEncoder().encode(word).length).toBeLessThan(2046);
});

describe("for any text", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc
      .array(
        fc.constantFrom(..."aA\u00e9\u00c9\u00df\u1e9e\u0130\u0131\u03c3\u03c2\u03a3\u0301 -1"),
      )
      .map((characters) => characters.join("")),
  );

  test("words have no white space, punctuation or capitals, and none is empty", () => {
    fc.assert(
      fc.property(text, (of) => {
        for (const word of wordsOf(of)) expect(word).toMatch(/^[\p{L}\p{N}\p{M}]+$/u);
      }),
      { numRuns: 500 },
    );
  });

  test("composed and decomposed letters are the same", () => {
    fc.assert(
      fc.property(text, (of) => {
        expect(wordsOf(of.normalize("NFC"))).toEqual(wordsOf(of.normalize("NFD")));
      }),
      { numRuns: 500 },
    );
  });

  test("a word that is looked up finds itself: folding it again changes nothing", () => {
    fc.assert(
      fc.property(text, (of) => {
        const words = wordsOf(of);
        expect(wordsOf(words.join(" "))).toEqual(words);
      }),
      { numRuns: 2000 },
    );
  });

  // Greek writes the iota below a small letter, which counts as an accent, as a letter next to a capital.
  test("capitals and small letters are the same, the iota subscript apart", () => {
    fc.assert(
      fc.property(text, (of) => {
        fc.pre(!of.normalize("NFD").includes("\u0345"));
        expect(wordsOf(of.toUpperCase())).toEqual(wordsOf(of));
        expect(wordsOf(of.toLowerCase())).toEqual(wordsOf(of));
      }),
      { numRuns: 2000 },
    );
  });
});
