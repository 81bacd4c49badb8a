import { describe, expect } from "bun:test";
import {
  type Api,
  createBook,
  createBooks,
  listBooks,
  type Page,
  readJson,
  uniqueWord,
  walk,
  withQuery,
} from "./api.ts";
import { test } from "./case.ts";
import { expectProblem, ids } from "./expectations.ts";

type Row = { why: string; title: string; author?: string; q: string };

const FOUND: Row[] = [
  { why: "the same word", title: "Café", q: "Café" },
  { why: "lower case", title: "CAFÉ", q: "café" },
  { why: "upper case", title: "café", q: "CAFÉ" },
  { why: "no accent in q", title: "Café", q: "cafe" },
  { why: "no accent in the title", title: "Cafe", q: "cáfè" },
  { why: "an accent of its own in the title", title: "Cafe\u0301", q: "caf\u00e9" },
  { why: "an accent of its own in q", title: "Caf\u00e9", q: "cafe\u0301" },
  { why: "sharp s as ss", title: "Straße", q: "STRASSE" },
  { why: "ss as sharp s", title: "STRASSE", q: "straße" },
  { why: "stroked letters", title: "Łódź", q: "lodz" },
  { why: "stroked letters in q", title: "Lodz", q: "ŁÓDŹ" },
  { why: "a final sigma", title: "Ὀδυσσεύς", q: "ΟΔΥΣΣΕΥΣ" },
  { why: "a sigma that is not final in q", title: "Ὀδυσσεύς", q: "οδυσσευσ" },
  { why: "a dotted capital I", title: "İstanbul", q: "istanbul" },
  { why: "Cyrillic", title: "Преступление и наказание", q: "НАКАЗ преступ" },
  { why: "Chinese characters from the start", title: "東京物語", q: "東京" },
  { why: "Korean syllables from the start", title: "한국어", q: "한국" },
  { why: "Devanagari", title: "हिन्दी साहित्य", q: "हिन्दी" },
  { why: "the start of a word", title: "Mockingbird", q: "mock" },
  { why: "one letter", title: "Mockingbird", q: "m" },
  { why: "a number", title: "1984", q: "1984" },
  { why: "the start of a number", title: "1984", q: "19" },
  { why: "letters and numbers in one word", title: "R2D2", q: "r2d" },
  { why: "a word of the author", title: "Café", author: "René Müller", q: "muller" },
  { why: "words in another order", title: "To Kill a Mockingbird", q: "mockingbird kill" },
  { why: "a word twice", title: "To Kill a Mockingbird", q: "kill kill" },
  { why: "words over title and author", title: "1984", author: "George Orwell", q: "orw 1984 geo" },
  { why: "very common words", title: "To be or not to be", q: "to be or not" },
  { why: "the inside of Chinese", title: "紅樓夢與金瓶梅", q: "金瓶" },
  { why: "the inside of Japanese", title: "スーパーマンの冒険", q: "マンの" },
  { why: "the inside of Thai", title: "ภาษาไทยง่ายนิดเดียว", q: "ไทย" },
  { why: "the inside of Lao", title: "ພາສາລາວ", q: "ລາວ" },
  { why: "the inside of Khmer", title: "ភាសាខ្មែរ", q: "ខ្មែរ" },
  { why: "the inside of Burmese", title: "မြန်မာဘာသာ", q: "ဘာသာ" },
  {
    why: "more letters without spaces than a piece",
    title: "春の海ひねもすのたりのたりかな",
    q: "ひねもすのたりのたりかな",
  },
  { why: "Latin letters amid Chinese", title: "我的iPhone手機15版", q: "iphone 手 15" },
  { why: "no soft hyphen in q", title: "Donau\u00addampfschiff", q: "donaudampf" },
  { why: "a soft hyphen in q", title: "Donaudampfschiff", q: "Donau\u00addampf" },
  {
    why: "Persian with its joiner",
    title: "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    q: "\u0645\u06cc\u200c\u062e",
  },
  {
    why: "Persian without its joiner",
    title: "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    q: "\u0645\u06cc\u062e\u0648",
  },
  { why: "a zero width space in the title", title: "zero\u200bwidth", q: "zerow" },
  { why: "a word joiner in the title", title: "word\u2060joiner", q: "wordj" },
  { why: "a byte order mark in the title", title: "byte\ufefforder", q: "byteo" },
  {
    why: "Hebrew without its points",
    title: "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
    q: "\u05e9\u05dc\u05d5\u05dd",
  },
  {
    why: "Hebrew with points in q",
    title: "\u05e9\u05dc\u05d5\u05dd",
    q: "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
  },
  { why: "a Hebrew abbreviation", title: "\u05e6\u05d4\u05f4\u05dc", q: '\u05e6\u05d4"\u05dc' },
  {
    why: "Arabic without its vowels",
    title: "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f",
    q: "\u0645\u062d\u0645\u062f",
  },
  {
    why: "Arabic without tatweel",
    title: "\u0645\u062d\u0645\u0640\u0640\u0640\u062f",
    q: "\u0645\u062d\u0645\u062f",
  },
  { why: "another apostrophe", title: "п\u02bcять", q: "п'ять" },
  { why: "no apostrophe", title: "п\u02bcять", q: "пять" },
  { why: "an apostrophe that is a letter in q", title: "п'ять", q: "п\u02bcять" },
  { why: "an ʻokina", title: "Hawai\u02bbi", q: "hawai'i" },
  { why: "a full-width apostrophe", title: "O\uff07Brien", q: "o\u2018brien" },
  { why: "an accent for an apostrophe", title: "O\u00b4Brien", q: "o`brien" },
  { why: "the name without its apostrophe", title: "O'Brien", q: "obrien" },
  { why: "the name after its apostrophe", title: "O\u2019Brien", q: "brien" },
  { why: "the word after an article", title: "L'Amour", q: "amour" },
  {
    why: "a word with an apostrophe after an article",
    title: "d\u2019aujourd\u2019hui",
    q: "aujourd'hui",
  },
  { why: "words around a hyphen", title: "Catch-22", q: "catch 22" },
  { why: "a hyphen in q", title: "Catch-22", q: "catch-22" },
  { why: "the word after a hyphen", title: "Catch-22", q: "22" },
  { why: "the word after an apostrophe", title: "O'Reilly", q: "reilly" },
  { why: "the word before a curly apostrophe", title: "Handmaid\u2019s", q: "handmaid" },
  { why: "the word after an underscore", title: "snake_case", q: "case" },
  { why: "the words of an address", title: "www.example.com", q: "example" },
  { why: "the word after a slash", title: "Either/Or", q: "or" },
  { why: "the word next to an emoji", title: "Love😀Letters", q: "letters" },
  { why: "the words of a decimal", title: "Pi is 3.14", q: "14" },
  { why: "a negative number's digits", title: "Day -7", q: "-7" },
  { why: "quotes in q", title: "Café", q: '"cafe"' },
  { why: "an open quote in q", title: "Café", q: 'cafe"' },
  { why: "an asterisk in q", title: "Café", q: "cafe*" },
  { why: "operators in q", title: "Café", q: "(cafe) & | ! <-> :* ^ + - ~" },
  { why: "SQL wildcards in q", title: "Café", q: "%caf_" },
  { why: "SQL in q", title: "Drop Table", q: "'; drop -- table" },
  { why: "a NUL in q", title: "Café", q: "cafe\u0000" },
];

const NOT_FOUND: Row[] = [
  { why: "the inside of a word", title: "Mockingbird", q: "bird" },
  { why: "a longer word", title: "Café", q: "cafes" },
  { why: "another word", title: "Café", q: "tea" },
  { why: "one of several words missing", title: "Café", author: "René", q: "cafe rene tea" },
  { why: "OR as an operator", title: "Café", q: "cafe OR tea" },
  { why: "NOT as an operator", title: "Café", q: "cafe NOT tea" },
  { why: "a column name", title: "Café", q: "title:cafe" },
  { why: "words run together", title: "Catch-22", q: "catch22" },
  { why: "letters that are not next to each other", title: "東京物語", q: "東語" },
  { why: "a longer text without spaces", title: "東京物語", q: "東京物語集" },
  { why: "the stem of a word that is longer", title: "Run", q: "running" },
];

export function searchContract(api: Api): void {
  describe("search", () => {
    const search = async ({ title, author = "Somebody", q }: Row) => {
      const mine = uniqueWord();
      const book = await createBook(api, { title: `${title} ${mine}`, author });
      const { items } = await listBooks(api, { q: `${q} ${mine}` });
      return { book, items };
    };

    for (const row of FOUND) {
      test(`${row.why}: ${JSON.stringify(row.q)} finds ${row.title}`, async () => {
        const { book, items } = await search(row);
        expect(items).toEqual([book]);
      });
    }

    for (const row of NOT_FOUND) {
      test(`${row.why}: ${JSON.stringify(row.q)} does not find ${row.title}`, async () => {
        const { items } = await search(row);
        expect(items).toEqual([]);
        expect((await search({ ...row, q: row.title })).items).toHaveLength(1);
      });
    }

    for (const q of ["", " ", "\u3000\u200b"]) {
      test(`${JSON.stringify(q)} is no search and filters nothing`, async () => {
        const book = await createBook(api);
        expect((await listBooks(api, { q, author: book.author })).items).toEqual([book]);
      });
    }

    for (const q of ["!!", "%", "*", '"', "-", "😀", "\u2019", "'; --"]) {
      test(`${JSON.stringify(q)} has no word and finds nothing`, async () => {
        const { author } = await createBook(api, { title: `!! % * " - 😀 \u2019 '; --` });
        const response = await api.get(withQuery("/books", { q, author }));
        expect(response.headers.get("Link")).toBeNull();
        expect(await readJson<Page>(response)).toEqual({ items: [], next_cursor: null });
      });
    }

    test("a search takes 8 different words, and refuses more", async () => {
      const word = uniqueWord();
      const letters = [..."abcdefghi"].map((letter) => `${letter}${word}`);
      const book = await createBook(api, { title: letters.slice(0, 8).join(" ") });
      const q = [...letters.slice(0, 8), "a", "b", ...letters.slice(0, 1)].join(" ");
      expect((await listBooks(api, { q })).items).toEqual([book]);
      const refused = await api.get(withQuery("/books", { q: letters.join(" ") }));
      const { detail } = await expectProblem(refused, 400, "Validation failed");
      expect(detail).toStartWith("q: Expected at most 8 different words, received 9");
    });

    test("finds titles and authors alike, in the order of ids", async () => {
      const word = uniqueWord();
      const books = [
        await createBook(api, { title: `The ${word}` }),
        await createBook(api, { author: `${word}, Ann` }),
        await createBook(api, { title: `${word}s`, author: word }),
      ];
      await createBook(api, { title: `x${word}` });
      expect(ids(await walk(api, { q: word.toUpperCase() }))).toEqual(ids(books));
      expect(ids(await walk(api, { q: word.slice(0, 12), limit: "1" }))).toEqual(ids(books));
    });

    test("follows a book through its changes", async () => {
      const [before, after, writer] = [uniqueWord(), uniqueWord(), uniqueWord()];
      const { id } = await createBook(api, { title: before });
      await api.patch(`/books/${id}`, { title: after });
      expect(await walk(api, { q: before })).toEqual([]);
      expect(ids(await walk(api, { q: after }))).toEqual([id]);
      await api.put(`/books/${id}`, { author: writer });
      expect(ids(await walk(api, { q: `${after} ${writer}` }))).toEqual([id]);
      await api.remove(`/books/${id}`);
      expect(await walk(api, { q: writer })).toEqual([]);
    });

    test("finds every book of many made at once, each once", async () => {
      const word = uniqueWord();
      const rows = Array.from({ length: 20 }, (_, index) => ({ title: `${word} ${index}` }));
      const books = await createBooks(api, rows);
      const found = ids(await walk(api, { q: word, limit: "7" }));
      expect(found).toEqual(ids(books).sort((a, b) => a - b));
    });
  });
}
