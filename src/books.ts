import { integer, text } from "./resources/field.ts";
import { defineResource } from "./resources/resource.ts";

export const books = defineResource("books", {
  one: "book",
  fields: {
    title: text({ max: 255, example: "1984" }),
    author: text({ max: 255, example: "George Orwell" }),
    year: integer({ min: -4000, max: 9999, example: 1949 }),
  },
  search: ["title", "author"],
  filter: ["author", "year"],
  sort: ["title", "author", "year"],
  samples: [
    { title: "1984", author: "George Orwell", year: 1949 },
    { title: "To Kill a Mockingbird", author: "Harper Lee", year: 1960 },
  ],
});
