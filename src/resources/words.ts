/**
 * The version of the rules in this file. Raise it when the words of a text change: the service then
 * writes the words of all entries again.
 */
export const WORDS_VERSION = 2;

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

/** Soft hyphens, joiners and other characters that nobody sees, and few people type. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/**
 * Marks that readers do without: accents, and the vowel points of scripts that write consonants. Vowel
 * signs of other scripts, such as those of India, are letters in all but name. Tatweel only makes an
 * Arabic word longer.
 */
const ACCENTS =
  /[[\p{Script=Inherited}\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]&&\p{M}]|\u0640/gv;

/** Apostrophes that compatibility decomposition would turn into a space and an accent. */
const SPACING_APOSTROPHES = /[\u00b4\u1fbd\u1ffd]/g;

/** What stands between two Hebrew letters of an abbreviation, whichever quote it is typed as. */
const GERSHAYIM = /(?<=\p{Script=Hebrew})["\u201d\u05f4](?=\p{Script=Hebrew})/gu;

/** Everything that people type for an apostrophe; some count as letters. Within brackets of a pattern. */
const APOSTROPHES_LISTED = String.raw`'\x60\u02b9-\u02bf\u02c8\u02ee\u055a\u05f3\u2018\u2019\u201b\u2032\ua78b\ua78c`;
const APOSTROPHES = new RegExp(`[${APOSTROPHES_LISTED}]`, "g");

/** Scripts that put no space between words. */
const UNSPACED_SCRIPTS = ["Hani", "Hira", "Kana", "Thai", "Laoo", "Khmr", "Mymr"]
  .map((script) => `\\p{scx=${script}}`)
  .join("");

/**
 * A letter of such a script, but no digit, and of such a word. Lookaheads say what is left out: the
 * operators that the `v` flag has for it take 15 ms of the first match.
 */
const WORD_CHARACTER = String.raw`[\p{L}\p{N}\p{M}]`;
const UNSPACED = `(?![\\p{Nd}${APOSTROPHES_LISTED}])(?=${WORD_CHARACTER})[${UNSPACED_SCRIPTS}]`;
const SPACED = `(?:\\p{Nd}|(?![${UNSPACED_SCRIPTS}${APOSTROPHES_LISTED}])${WORD_CHARACTER})`;

/** Each apostrophe in a word makes one more word to keep, so that their number has to end. */
const MAX_APOSTROPHES = 3;
const WORDS = new RegExp(
  `(?:${UNSPACED})+|${SPACED}+(?:[${APOSTROPHES_LISTED}]${SPACED}+){0,${MAX_APOSTROPHES}}`,
  "gu",
);
const IS_UNSPACED = new RegExp(`^${UNSPACED}`, "u");

/** PostgreSQL keeps words of up to 2,046 bytes; this many code points of up to 4 bytes fit. */
const WORD_MAX_LENGTH = 500;

/** Long enough for the words that people look for, and short enough to keep one for every letter. */
const PIECE_LENGTH = 8;

/**
 * PostgreSQL keeps 1 MiB of words for an entry. This many UTF-16 units, of at most 3 bytes each, fit.
 */
const ENTRY_MAX_LENGTH = 300_000;

/**
 * The words that a text is found by: without case and accents, each once. Every store searches by these,
 * so that all of them find the same.
 *
 * A word with apostrophes is also found without them, and by what follows one: `l'amour` has the words
 * `lamour` and `amour`. Where a script has no spaces, every letter begins a word.
 */
export function wordsOf(text: string): string[] {
  return [...new Set(runsOf(text).flatMap(formsOf))];
}

/**
 * The words to look for, each of which has to begin a word of the text (see {@link wordsOf}). None begins
 * another one, which then says more.
 */
export function termsOf(text: string): string[] {
  const terms = runsOf(text)
    .flatMap((run) => (IS_UNSPACED.test(run) ? piecesOf(run) : [joined(run)]))
    .sort();
  return terms.filter((term, index) => !terms[index + 1]?.startsWith(term));
}

/** As many of an entry's words as a database can keep: all but for texts of many thousand characters. */
export function withinEntry(words: readonly string[]): readonly string[] {
  let length = 0;
  const end = words.findIndex((word) => {
    length += word.length + 1;
    return length > ENTRY_MAX_LENGTH;
  });
  return end < 0 ? words : words.slice(0, end);
}

/** Words as they stand in the text, apostrophes included, and runs of letters without spaces. */
function runsOf(text: string): string[] {
  const folded = text
    .replace(INVISIBLE, "")
    .replace(SPACING_APOSTROPHES, "'")
    .normalize("NFKD")
    .replace(ACCENTS, "")
    .replace(GERSHAYIM, "'")
    // Through upper case, which unfolds ß to SS and puts the dot on ı; ẞ gets there only as ß.
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replace(SPECIAL_LETTERS, (letter) => PLAIN_LETTERS[letter] ?? letter);
  return folded.match(WORDS) ?? [];
}

function formsOf(run: string): string[] {
  if (IS_UNSPACED.test(run)) {
    const letters = [...run];
    return letters.map((_, start) => letters.slice(start, start + PIECE_LENGTH).join(""));
  }
  const parts = run.split(APOSTROPHES);
  return parts.map((_, start) => joined(parts.slice(start).join("")));
}

/** The run in pieces of one length, of which the last ends where the run does. */
function piecesOf(run: string): string[] {
  const letters = [...run];
  const pieces: string[] = [];
  for (let start = 0; start < letters.length; start += PIECE_LENGTH) {
    const from = Math.max(0, Math.min(start, letters.length - PIECE_LENGTH));
    pieces.push(letters.slice(from, from + PIECE_LENGTH).join(""));
  }
  return pieces;
}

function joined(word: string): string {
  const letters = word.replace(APOSTROPHES, "");
  if (letters.length <= WORD_MAX_LENGTH) return letters;
  return [...letters].slice(0, WORD_MAX_LENGTH).join("");
}
