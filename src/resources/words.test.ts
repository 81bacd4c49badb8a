import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { books } from "../books.ts";
import { searchWords } from "./resource.ts";
import { termsOf, withinEntry, wordsOf } from "./words.ts";

const TABLE: [text: string, words: string[]][] = [
  ["", []],
  [" \t!?-\u2014\u3000", []],
  ["To Kill a Mockingbird", ["to", "kill", "a", "mockingbird"]],
  ["Nineteen Eighty-Four, 1984!", ["nineteen", "eighty", "four", "1984"]],
  ["don't", ["dont", "t"]],
  ["Caf\u00e9", ["cafe"]],
  ["Cafe\u0301", ["cafe"]],
  ["STRASSE Stra\u00dfe", ["strasse"]],
  ["STRA\u1e9eE", ["strasse"]],
  ["\u0141\u00f3d\u017a", ["lodz"]],
  [
    "S\u00f8ren \u00c6gir \u0152uvre \u00deor \u0110\u00f0 \u0126",
    ["soren", "aegir", "oeuvre", "thor", "dd", "h"],
  ],
  ["\u039f\u0394\u039f\u03a3 \u03bf\u03b4\u03bf\u03c2", ["\u03bf\u03b4\u03bf\u03c3"]],
  ["\u0130stanbul \u0131\u015f\u0131k", ["istanbul", "isik"]],
  ["\uff21\uff22\uff23 \ufb01ne \u00b2", ["abc", "fine", "2"]],
  [
    "\u5b6b\u5b50\u5175\u6cd5",
    ["\u5b6b\u5b50\u5175\u6cd5", "\u5b50\u5175\u6cd5", "\u5175\u6cd5", "\u6cd5"],
  ],
  ["iPhone\u6771\u4eac15\u7248", ["iphone", "\u6771\u4eac", "\u4eac", "15", "\u7248"]],
  ["l'amour d\u2019aujourd\u02bchui", ["lamour", "amour", "daujourdhui", "aujourdhui", "hui"]],
  ["a'b'c'd'e", ["abcd", "bcd", "cd", "d", "e"]],
  ["'tis James' ''", ["tis", "james"]],
  ["\u0149", ["n"]],
  ["snake_case", ["snake", "case"]],
  ["a\u200bb\u00adc\u2060d\ufeffe", ["abcde"]],
  ["\u0645\u062d\u0645\u0640\u0640\u062f", ["\u0645\u062d\u0645\u062f"]],
  ["\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd", ["\u05e9\u05dc\u05d5\u05dd"]],
  ['\u05e6\u05d4"\u05dc', ["\u05e6\u05d4\u05dc", "\u05dc"]],
];

for (const [text, words] of TABLE) {
  test(`${JSON.stringify(text)} has the words ${JSON.stringify(words)}`, () => {
    expect(wordsOf(text)).toEqual(words);
  });
}

const TERMS: [text: string, terms: string[]][] = [
  ["", []],
  ["!?\u2019", []],
  ["to mock", ["mock", "to"]],
  ["mock mock mockingbird to", ["mockingbird", "to"]],
  ["O'Brien's", ["obriens"]],
  ["l'amour amour", ["amour", "lamour"]],
  ["\u6771\u4eac15", ["15", "\u6771\u4eac"]],
  ["\u0e01".repeat(8), ["\u0e01".repeat(8)]],
  [letters(9), [letters(8), letters(8, 1)]],
  [letters(20), [letters(8), letters(8, 8), letters(8, 12)]],
];

/** So many different letters of Thai. */
function letters(count: number, from = 0): string {
  return Array.from({ length: count }, (_, index) =>
    String.fromCodePoint(0x0e01 + from + index),
  ).join("");
}

for (const [text, terms] of TERMS) {
  test(`${JSON.stringify(text)} looks for ${JSON.stringify(terms)}`, () => {
    expect(termsOf(text)).toEqual(terms);
  });
}

test("of a text without end, only as many words are kept as a database can keep", () => {
  const few = ["a", "b"];
  expect(withinEntry(few)).toBe(few);
  const words = searchWords(books, { title: "\u{20000}".repeat(100_000), author: "Emma", year: 1 });
  expect(words.length).toBeGreaterThan(0);
  expect(words.join(" ").length).toBeLessThan(2 ** 20 / 3);
  const many = wordsOf(Array.from({ length: 100_000 }, (_, index) => `w${index}`).join(" "));
  expect(withinEntry(many).join(" ").length).toBeLessThan(2 ** 20 / 3);
});

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
  const [word = ""] = wordsOf("\u{10428}".repeat(600));
  expect([...word]).toHaveLength(500);
  expect(new TextEncoder().encode(word).length).toBeLessThan(2046);
});

describe("for any text", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc
      .array(
        fc.constantFrom(
          ..."aA\u00e9\u00c9\u00df\u1e9e\u0130\u0131\u03c3\u03c2\u03a3\u0301 -1'\u02bc\u00ad\u05d0\u0e01\u6771",
        ),
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

  test("what is looked for stays the same when it is folded again", () => {
    fc.assert(
      fc.property(text, (of) => {
        const terms = termsOf(of);
        expect(termsOf(terms.join(" "))).toEqual(terms);
      }),
      { numRuns: 2000 },
    );
  });

  test("a text is found by itself, and by each of its words", () => {
    fc.assert(
      fc.property(text, (of) => {
        const words = wordsOf(of);
        for (const query of [of, ...words]) {
          for (const term of termsOf(query)) {
            expect(words.some((word) => word.startsWith(term))).toBe(true);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("no term begins another", () => {
    fc.assert(
      fc.property(text, (of) => {
        const terms = termsOf(of);
        for (const [index, term] of terms.entries()) {
          const others = terms.toSpliced(index, 1);
          expect(others.some((other) => other.startsWith(term))).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a text without spaces is found by any part of it", () => {
    const part = fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 40 }));
    const unspaced = fc.string({
      unit: fc.constantFrom(..."\u6771\u4eac\u30fc\u304c\u0e19\u0e49\u0e33\u1780"),
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(unspaced, part, (of, [from, length]) => {
        const words = wordsOf(of);
        for (const term of termsOf(of.slice(from, from + length))) {
          expect(words.some((word) => word.startsWith(term))).toBe(true);
        }
      }),
      { numRuns: 1000 },
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
