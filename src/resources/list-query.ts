import { z } from "@hono/zod-openapi";
import { invalidInput } from "../errors.ts";
import { validate } from "../validation.ts";
import { decodeCursor } from "./cursor.ts";
import type { Value } from "./field.ts";
import { inWords, type Resource } from "./resource.ts";
import { filterSchema } from "./schemas.ts";
import type { ListQuery, Sort } from "./store.ts";
import { isInvisible } from "./visible-text.ts";
import { termsOf } from "./words.ts";

export const LIMIT_MAX = 200;
const LIMIT_DEFAULT = 50;
const QUERY_MAX_LENGTH = 255;
/** Each word costs the database a walk through its index. */
const QUERY_MAX_WORDS = 8;
/** A cursor is as long as the value that a list is sorted by; the longest URL is longer than any. */
const CURSOR = { description: "The next_cursor of the page before.", maxLength: 8192 };

type Parameters = { limit: number; cursor?: string; sort: string; q?: string } & Record<
  string,
  unknown
>;

/** The query parameters of a resource's lists. Each is made when it is first used, by a getter. */
export function listParameters(resource: Resource) {
  const { search, filter } = resource;
  const shape: Record<string, z.ZodType> = {};
  const add = (name: string, get: () => z.ZodType) =>
    Object.defineProperty(shape, name, { get, enumerable: true });
  add("limit", limitParameter);
  add("cursor", () => z.string().optional().openapi(CURSOR));
  add("sort", () => sortParameter(resource));
  if (search.length > 0) add("q", () => searchParameter(resource));
  for (const name of filter) add(name, () => filterParameter(resource, name));
  return z.strictObject(shape);
}

function limitParameter() {
  return z
    .string()
    .regex(/^\d{1,9}$/, { error: "Expected a whole number" })
    .transform(Number)
    .pipe(z.int().min(1).max(LIMIT_MAX))
    .default(LIMIT_DEFAULT)
    .openapi({
      type: "integer",
      format: "int32",
      minimum: 1,
      maximum: LIMIT_MAX,
      description: "The most entries of a page.",
    });
}

function sortParameter({ sort }: Resource) {
  const sorts = ["id", ...sort].flatMap((field) => [field, `-${field}`]);
  return z.enum(sorts).default("id").openapi({ description: "A leading - sorts downwards." });
}

function searchParameter({ search }: Resource) {
  return z
    .string()
    .refine((text) => [...text].length <= QUERY_MAX_LENGTH, {
      error: `Longer than ${QUERY_MAX_LENGTH} characters`,
    })
    .default("")
    .openapi({
      maxLength: QUERY_MAX_LENGTH,
      description:
        `Finds entries whose ${search.join(" or ")} have words that start with every word of q, ` +
        `whatever their case, accents and apostrophes. At most ${QUERY_MAX_WORDS} different words; ` +
        "where a script has no spaces, every 8 letters count as one. A q with signs only finds nothing.",
      examples: ["orwell"],
    });
}

function filterParameter(resource: Resource, name: string) {
  const description = `Only entries with exactly this ${inWords(name)}.`;
  return filterSchema(resource, name).optional().openapi({ description });
}

/** What a list is asked for, and whether the answer is known: no entry has a word that is none. */
export type ListRequest = ListQuery & { findsNothing: boolean };

/** Makes a function that reads what a request's query asks of a list. */
export function listQueryParser(resource: Resource) {
  let schema: z.ZodType<Parameters> | undefined;
  /**
   * @param query each parameter's values.
   * @throws {DomainError} `invalid_input`, also for a cursor that is broken or was made for another list.
   */
  return function parseListQuery(query: Readonly<Record<string, readonly string[]>>): ListRequest {
    schema ??= listParameters(resource) as unknown as z.ZodType<Parameters>;
    const single = Object.entries(query).map(([name, all]) => [
      name,
      all.length === 1 ? all[0] : all,
    ]);
    return toListRequest(resource, validate(schema, Object.fromEntries(single)));
  };
}

function toListRequest(resource: Resource, parameters: Parameters): ListRequest {
  const { limit, cursor, sort, q = "" } = parameters;
  const given = resource.filter.filter((name) => parameters[name] !== undefined);
  const filters = Object.fromEntries(
    given.map((name) => [name, parameters[name] as NonNullable<Value>]),
  );
  const list = { sort: toSort(sort), words: parseWords(q), filters };
  const after = cursor === undefined ? undefined : decodeCursor(resource, cursor, list);
  const findsNothing = list.words.length === 0 && !isInvisible(q);
  return { ...list, limit, after, findsNothing };
}

function parseWords(q: string): string[] {
  const words = termsOf(q);
  if (words.length <= QUERY_MAX_WORDS) return words;
  const message =
    `Expected at most ${QUERY_MAX_WORDS} different words, received ${words.length}; ` +
    "where a script has no spaces, every 8 letters count as one";
  throw invalidInput([{ path: "q", message }]);
}

function toSort(sort: string): Sort {
  const descending = sort.startsWith("-");
  return { field: descending ? sort.slice(1) : sort, descending };
}
