import { z } from "@hono/zod-openapi";
import { authorSchema, TEXT_MAX_LENGTH, YEAR_MAX, YEAR_MIN, yearSchema } from "./book.ts";
import { decodeCursor } from "./cursor.ts";
import { type BookQuery, SORT_FIELDS, type Sort, type SortField } from "./store.ts";
import { wordsOf } from "./words.ts";

const LIMIT_MAX = 200;
const LIMIT_DEFAULT = 50;
const SORTS = SORT_FIELDS.flatMap((field) => [field, `-${field}`] as const);

const integer = (pattern: RegExp) =>
  z.string().regex(pattern, { error: "Expected a whole number" }).transform(Number);

/**
 * The query parameters of a list of books. Each is made when it is first asked for, by a getter: the routes
 * take an object here, and no `lazySchema`.
 */
export const listParametersSchema = z.strictObject({
  get limit() {
    return integer(/^\d{1,9}$/)
      .pipe(z.int().min(1).max(LIMIT_MAX))
      .default(LIMIT_DEFAULT)
      .openapi({ type: "integer", minimum: 1, maximum: LIMIT_MAX });
  },
  get cursor() {
    return z.string().optional().openapi({ description: "The next_cursor of the page before." });
  },
  get sort() {
    return z.enum(SORTS).default("id").openapi({ description: "A leading - sorts downwards." });
  },
  get q() {
    return z
      .string()
      .refine((text) => [...text].length <= TEXT_MAX_LENGTH, {
        error: `Longer than ${TEXT_MAX_LENGTH} characters`,
      })
      .default("")
      .openapi({
        description:
          "Finds books whose title or author have words that start with every word of q, whatever " +
          "their case and accents.",
        examples: ["orwell"],
      });
  },
  get author() {
    return authorSchema().optional().openapi({ description: "Only books by exactly this author." });
  },
  get year() {
    return integer(/^-?\d{1,9}$/)
      .pipe(yearSchema())
      .optional()
      .openapi({ type: "integer", minimum: YEAR_MIN, maximum: YEAR_MAX });
  },
});
type ListParameters = z.output<typeof listParametersSchema>;

/**
 * What the parameters ask of a store.
 *
 * @throws {DomainError} `invalid_input` for a cursor that is broken or was made for another list.
 */
export function toBookQuery(parameters: ListParameters): BookQuery {
  const { limit, cursor, q, author, year } = parameters;
  const list = { sort: toSort(parameters.sort), words: wordsOf(q), author, year };
  return { ...list, limit, after: cursor === undefined ? undefined : decodeCursor(cursor, list) };
}

function toSort(sort: ListParameters["sort"]): Sort {
  const descending = sort.startsWith("-");
  return { field: (descending ? sort.slice(1) : sort) as SortField, descending };
}
