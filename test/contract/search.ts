import { describe, expect } from "bun:test";
import { type Api, createBook, createBooks, listBooks, uniqueWord, walk } from "./api.ts";
import { test } from "./case.ts";
import { ids } from "./expectations.ts";

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

    for (const q of ["", " ", "!!", "%", "*", '"', "-", "😀", "\u2019", "'; --"]) {
      test(`${JSON.stringify(q)} has no word and filters nothing`, async () => {
        const book = await createBook(api);
        expect((await listBooks(api, { q, author: book.author })).items).toEqual([book]);
      });
    }

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
