import { expect, test } from "bun:test";
import { aboutEntries, renamed } from "./rename.ts";

test.each([
  ["thimble key new", "my-api key new"],
  ["Thimble answers", "My API answers"],
  ["a\\nthimble: no", "a\\nmy-api: no"],
  ["THIMBLE_PORT=8000", "MY_API_PORT=8000"],
  [
    "`thimble_database_up`, sum(thimble_heap_size_bytes)",
    "`my_api_database_up`, sum(my_api_heap_size_bytes)",
  ],
  ["[ThimbleDown](#thimbledown)", "[MyApiDown](#myapidown)"],
  [
    "dist/thimble, thimble.db, thimble-20260101T000000Z.db",
    "dist/my-api, my-api.db, my-api-20260101T000000Z.db",
  ],
])("%s becomes %s", (text, expected) => {
  expect(renamed(text, "my-api")).toBe(expected);
});

test.each([
  ["`GET /books/1` needs `books:read`", "`GET /entries/1` needs `entries:read`"],
  ["Books live in SQLite; a book does not", "Entries live in SQLite; an entry does not"],
  ["the sre-book, workbook, book_words", "the sre-entry, workbook, book_words"],
])("%s becomes %s", (text, expected) => {
  expect(aboutEntries(text, { name: "entries", one: "entry" })).toBe(expected);
});
