import { z } from "zod";
import { invalidInput } from "../errors.ts";
import { lazySchema } from "../validation.ts";
import { authorSchema, type Book, idSchema, titleSchema, yearSchema } from "./book.ts";
import type { BookQuery, Position, SortField } from "./store.ts";

/** What a cursor belongs to: the order and the filters of the list it was made for. */
type List = Pick<BookQuery, "sort" | "words" | "author" | "year">;

/** What stands for a field's value in a cursor is what could be in that field. */
const VALUE_SCHEMAS = {
  id: lazySchema(idSchema),
  title: lazySchema(titleSchema),
  author: lazySchema(authorSchema),
  year: lazySchema(yearSchema),
} satisfies Record<SortField, z.ZodType>;

/** An opaque cursor to the place behind `book` in `list`. */
export function encodeCursor(book: Book, list: List): string {
  const position = toBase64Url(JSON.stringify([book[list.sort.field], book.id]));
  return `${position}.${checksum(position, list)}`;
}

/**
 * The place that a cursor stands for.
 *
 * @throws {DomainError} `invalid_input` for a cursor that is broken or was made for another list.
 */
export function decodeCursor(cursor: string, list: List): Position {
  const [position = "", sum] = cursor.split(".");
  if (cursor !== `${position}.${sum}` || sum !== checksum(position, list)) throw brokenCursor();
  try {
    const positionSchema = z.tuple([VALUE_SCHEMAS[list.sort.field], VALUE_SCHEMAS.id]);
    const [value, id] = positionSchema.parse(JSON.parse(fromBase64Url(position)));
    return { value, id };
  } catch {
    throw brokenCursor();
  }
}

function brokenCursor() {
  return invalidInput([
    { path: "cursor", message: "Not a cursor that was answered for this sort and these filters" },
  ]);
}

/**
 * Ties a position to its list. It guards against mistakes, not against forgery: a forged cursor holds
 * what a book could hold, and shows nothing that the list would not. FNV-1a, 64 bits.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
 */
function checksum(position: string, { sort, words, author, year }: List): string {
  const text = JSON.stringify([position, sort.field, sort.descending, words, author, year]);
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(36);
}

function toBase64Url(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(text: string): string {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}
