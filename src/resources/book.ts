import { z } from "@hono/zod-openapi";
import { lazySchema } from "../validation.ts";

export const TEXT_MAX_LENGTH = 255;
export const YEAR_MIN = -4000;
export const YEAR_MAX = 9999;

/** A line of text as a person would type it. Its length counts code points, as JSON Schema does. */
function line(what: string) {
  return z
    .string()
    .trim()
    .refine((text) => text.length > 0, { error: `${what} is empty`, abort: true })
    .refine((text) => [...text].length <= TEXT_MAX_LENGTH, {
      error: `${what} is longer than ${TEXT_MAX_LENGTH} characters`,
    })
    .refine((text) => !/\p{Cc}/u.test(text), { error: `${what} has control characters` })
    .refine((text) => text.isWellFormed(), { error: `${what} is not valid Unicode` })
    .openapi({ minLength: 1, maxLength: TEXT_MAX_LENGTH });
}

export const titleSchema = () => line("The title");
export const authorSchema = () => line("The author");
export const idSchema = () => z.int().positive();
export const yearSchema = () => z.int().min(YEAR_MIN).max(YEAR_MAX);

/** What a new book takes. */
export const bookInputSchema = lazySchema(() =>
  z
    .strictObject({
      title: titleSchema().openapi({ examples: ["1984"] }),
      author: authorSchema().openapi({ examples: ["George Orwell"] }),
      year: yearSchema().openapi({ examples: [1949] }),
    })
    .openapi("BookInput"),
);
/** The title, the author and the year of a new book. */
export type BookInput = z.output<typeof bookInputSchema>;

/** What a change takes: one field or more. */
export const bookChangesSchema = lazySchema(() =>
  z
    .strictObject({
      title: titleSchema().exactOptional(),
      author: authorSchema().exactOptional(),
      year: yearSchema().exactOptional(),
    })
    .refine((changes) => Object.keys(changes).length > 0, {
      error: "Expected at least one of title, author, year",
    })
    // The document's generator takes an exactOptional field for a required one.
    .openapi("BookChanges", { required: [], minProperties: 1 }),
);
/** The fields of a book to change. */
export type BookChanges = z.output<typeof bookChangesSchema>;

/** A book as it is stored and answered. `updated_at` differs between any two states of one book. */
export const bookSchema = lazySchema(() =>
  z
    .object({
      id: idSchema(),
      title: z.string(),
      author: z.string(),
      year: z.int(),
      created_at: z.iso.datetime(),
      updated_at: z.iso.datetime(),
    })
    .openapi("Book"),
);
/** A book as every store returns it, with its times as RFC 3339 in UTC. */
export type Book = z.output<typeof bookSchema>;

export const SEED_BOOKS: readonly BookInput[] = [
  { title: "1984", author: "George Orwell", year: 1949 },
  { title: "To Kill a Mockingbird", author: "Harper Lee", year: 1960 },
];
