import { z } from "@hono/zod-openapi";
import {
  authorSchema,
  type Book,
  type BookInput,
  bookInputSchema,
  idSchema,
  titleSchema,
  yearSchema,
} from "../../resources/book.ts";

/** Far below the last id that is a whole number in JavaScript, so that there are ids for other books. */
const IMPORTED_ID_MAX = 2 ** 52;

const PROBLEM_MAX_LENGTH = 300;

/**
 * The first and the last time of a book, in UTC: years of four digits are what RFC 3339 and every database
 * have in common.
 */
export const TIME_MIN = "0001-01-01T00:00:00.000Z";
export const TIME_MAX = "9999-12-31T23:59:59.999Z";

const timeSchema = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  // As text, the years before 0 and from 10000 on, which have a sign, are in front of all others.
  .refine((time) => time >= TIME_MIN && time <= TIME_MAX, {
    error: `is not from ${TIME_MIN} to ${TIME_MAX}`,
  });

/** A book as the API answers it and `export` writes it. */
const importedBookSchema = z.strictObject({
  id: idSchema().max(IMPORTED_ID_MAX),
  title: titleSchema(),
  author: authorSchema(),
  year: yearSchema(),
  created_at: timeSchema,
  updated_at: timeSchema,
});

/** What a line of an import holds: a whole book, or a new one; or what is wrong with the line. */
export type ImportLine =
  | { book: Book; input?: never; problem?: never }
  | { input: BookInput; book?: never; problem?: never }
  | { problem: string; book?: never; input?: never };

/** Parses a line by what the API asks of a book. One with an id or a time is taken for a whole book. */
export function parseImportLine(text: string): ImportLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: "is not JSON" };
  }
  if (isWholeBook(value)) {
    const { data, error } = importedBookSchema.safeParse(value);
    return data ? { book: data } : { problem: describe(error) };
  }
  const { data, error } = bookInputSchema.safeParse(value);
  return data ? { input: data } : { problem: describe(error) };
}

function isWholeBook(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return ["id", "created_at", "updated_at"].some((name) => Object.hasOwn(value, name));
}

/** As a line of text for a terminal, whatever names the input made up. */
function describe(error: z.ZodError): string {
  const issues = error.issues.map(({ path, message }) => [...path, message].join(": "));
  const text = issues.join("; ").replace(/\p{Cc}/gu, "\ufffd");
  return text.length > PROBLEM_MAX_LENGTH ? `${text.slice(0, PROBLEM_MAX_LENGTH)}…` : text;
}
