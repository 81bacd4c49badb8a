/** Letters that carry a stroke or a ligature in themselves: Unicode decomposes none of them. */
const PLAIN_LETTERS: Record<string, string> = {
  ø: "o",
  ł: "l",
  đ: "d",
  ð: "d",
  ħ: "h",
  þ: "th",
  æ: "ae",
  œ: "oe",
  ς: "σ",
};
const SPECIAL_LETTERS = new RegExp(`[${Object.keys(PLAIN_LETTERS).join("")}]`, "g");
const ACCENTS = /[\p{M}&&\p{Script=Inherited}]/gv;
const WORDS = /[\p{L}\p{N}\p{M}]+/gu;

/** PostgreSQL keeps words of up to 2,046 bytes; this many code points of up to 4 bytes fit. */
const WORD_MAX_LENGTH = 500;

/**
 * The words of a text, for searching: runs of letters and numbers without case and accents, in
 * order. Every store searches by these, so that all of them find the same.
 */
export function wordsOf(text: string): string[] {
  const folded = text
    .normalize("NFKD")
    .replace(ACCENTS, "")
    // Through upper case, which unfolds ß to SS and puts the dot on ı; ẞ gets there only as ß.
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replace(SPECIAL_LETTERS, (letter) => PLAIN_LETTERS[letter] ?? letter);
  return (folded.match(WORDS) ?? []).map((word) => [...word].slice(0, WORD_MAX_LENGTH).join(""));
}
