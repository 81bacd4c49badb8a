import type { Field, Value, Values } from "./field.ts";
import { withinEntry, wordsOf } from "./words.ts";

export type Fields = Readonly<Record<string, Field>>;

type ValueOf<F extends Field> =
  F extends Field<infer T, infer O> ? T | (O extends true ? null : never) : never;

/** The names of the fields that a new entry may leave out. */
type OptionalNames<F extends Fields> = {
  [N in keyof F]: F[N] extends Field<infer _T, true> ? N : never;
}[keyof F];

type Flat<T> = { [N in keyof T]: T[N] };

/** The fields of a new entry. An optional field that is left out is `null`. */
export type InputOf<R extends Resource> = Flat<
  { [N in Exclude<keyof R["fields"], OptionalNames<R["fields"]>>]: ValueOf<R["fields"][N]> } & {
    [N in OptionalNames<R["fields"]>]?: ValueOf<R["fields"][N]>;
  }
>;

/** The fields of an entry to change. */
export type ChangesOf<R extends Resource> = { [N in keyof R["fields"]]?: ValueOf<R["fields"][N]> };

/** What every entry has besides its fields. `updated_at` differs between any two states of an entry. */
export type Stored = {
  /** From 1 on, and never used again. */
  id: number;
  /** RFC 3339, in UTC. */
  created_at: string;
  updated_at: string;
};

/** An entry of a resource, as stores return it and the API answers it. */
export type EntryOf<R extends Resource> = Flat<
  Pick<Stored, "id"> & {
    -readonly [N in keyof R["fields"]]: ValueOf<R["fields"][N]>;
  } & Omit<Stored, "id">
>;

/** An entry of any resource. */
export type Entry = Stored & { [field: string]: Value };

/** What a person defines: see books.ts for an example. */
export type Definition<F extends Fields, Filter extends string, SortField extends string> = {
  /** One entry, in messages: `book`. Also names the table of its words: `book_words`. */
  one: string;
  fields: F;
  /** The text fields whose words `?q=` searches. None: there is no search. */
  search?: readonly (keyof F & string)[];
  /** The fields that lists are filtered by, each as a query parameter of its name. */
  filter?: readonly (Filter & keyof F)[];
  /** The fields that lists are sorted by, besides `id`. None of them is optional. */
  sort?: readonly (SortField & keyof F)[];
  /** Entries for a new database in development. */
  samples?: readonly Values[];
};

/** A kind of entry that the API offers: everything else is derived from this. */
export type Resource<
  N extends string = string,
  F extends Fields = Fields,
  Filter extends string = string,
  SortField extends string = string,
> = {
  /** In the plural: the path `/books`, the table `books`, the scopes `books:read` and `books:write`. */
  name: N;
  one: string;
  fields: F;
  search: readonly string[];
  filter: readonly Filter[];
  sort: readonly SortField[];
  samples: readonly Values[];
};

/** Short enough for `NAME_by_FIELD`, the name of an index, of which PostgreSQL keeps 63 bytes. */
const NAME = /^[a-z][a-z0-9_]{0,28}$/;

/** What every entry and every list has already, and names with a meaning of their own in a database or JavaScript. */
const RESERVED_FIELDS = new Set([
  ...["id", "created_at", "updated_at", "words", "limit", "cursor", "sort", "q"],
  ...["ctid", "cmax", "cmin", "tableoid", "xmax", "xmin", "rowid", "constructor"],
]);

/** The tables and paths of the service itself. */
const RESERVED_NAMES = new Set([
  ...["schema_migrations", "idempotency_keys", "imports", "search_words", "limit_counts"],
  ...["api", "docs", "health", "healthz", "metrics", "process", "ready"],
]);

/** Each filter doubles the number of statements that a list may need. */
const MAX_FILTERS = 6;

/**
 * Defines a resource.
 *
 * @param name in the plural, in lower case.
 * @throws {TypeError} that says what is wrong with the definition.
 */
export function defineResource<
  const N extends string,
  const F extends Fields,
  const Filter extends string = never,
  const SortField extends string = never,
>(name: N, definition: Definition<F, Filter, SortField>): Resource<N, F, Filter, SortField> {
  const { one, fields, search = [], filter = [], sort = [], samples = [] } = definition;
  const fail = (problem: string): never => {
    throw new TypeError(`resource ${name}: ${problem}`);
  };
  for (const each of [name, one]) {
    if (!NAME.test(each)) fail(`${each} is no name; expected ${NAME.source}`);
  }
  if (RESERVED_NAMES.has(name) || name.startsWith("sqlite_")) {
    fail("the service or SQLite uses this name; choose another");
  }
  for (const field of Object.keys(fields)) {
    if (!NAME.test(field)) fail(`${field} is no name of a field; expected ${NAME.source}`);
    if (RESERVED_FIELDS.has(field))
      fail(`the name ${field} has a meaning of its own; choose another`);
  }
  for (const field of [...search, ...filter, ...sort]) {
    if (!Object.hasOwn(fields, field)) fail(`there is no field ${field}`);
  }
  for (const field of sort) {
    if (fields[field]?.optional) fail(`${field} is optional, so lists cannot be sorted by it`);
  }
  for (const field of search) {
    if (fields[field]?.sqlite.type !== "TEXT")
      fail(`${field} is no text, so it has no words to search`);
  }
  if (filter.length > MAX_FILTERS) fail(`more than ${MAX_FILTERS} filters`);
  return { name, one, fields, search, filter, sort, samples };
}

/** `reading list` of `reading_list`: a name within a sentence. */
export const inWords = (name: string) => name.replaceAll("_", " ");

/** `Reading list` of `reading_list`: a name at the start of a sentence. */
export const startOfSentence = (name: string) =>
  name.charAt(0).toUpperCase() + inWords(name.slice(1));

/** `Book` of `book`, `ReadingList` of `reading_list`. */
export function titleOf({ one }: Resource): string {
  return one.replaceAll(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The fields of an entry to add, in order; `null` where an optional one was left out. */
export function completeInput({ fields }: Resource, input: Values): Record<string, Value> {
  return Object.fromEntries(Object.keys(fields).map((name) => [name, input[name] ?? null]));
}

/** An entry that was kept as JSON, with its fields in order, also those that were added since. */
export function entryFromJson(resource: Resource, json: unknown): Entry {
  const { id, created_at, updated_at, ...fields } = json as Entry;
  return { id, ...completeInput(resource, fields), created_at, updated_at };
}

/** The fields of an entry, changed. */
export function applyChanges({ fields }: Resource, entry: Entry, changes: Values): Entry {
  const changed = Object.keys(fields).flatMap((name) => {
    const value = changes[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...entry, ...Object.fromEntries(changed) };
}

/** The words that an entry is found by. */
export function searchWords({ search }: Resource, values: Values): readonly string[] {
  return withinEntry(search.flatMap((name) => wordsOf(String(values[name] ?? ""))));
}

/** Whether each of the words begins some word that the entry is found by. */
export function hasWords(resource: Resource, entry: Values, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const own = searchWords(resource, entry);
  return words.every((word) => own.some((each) => each.startsWith(word)));
}

/** The table of SQLite with the words of a resource's entries. */
export const wordsTable = ({ one }: Resource) => `${one}_words`;

/** The scopes that keys need for a resource. */
export const readScope = ({ name }: Resource) => `${name}:read`;
export const writeScope = ({ name }: Resource) => `${name}:write`;

/**
 * Checks that resources can be offered together.
 *
 * @throws {TypeError} that names what two of them share: a table, a path or a schema of the document.
 */
export function requireDistinct(resources: readonly Resource[]): void {
  const owners = new Map([["Problem", "the service"]]);
  for (const resource of resources) {
    for (const name of new Set([resource.name, wordsTable(resource), titleOf(resource)])) {
      const owner = owners.get(name);
      if (owner !== undefined) {
        throw new TypeError(
          `resource ${resource.name}: ${owner} has ${name} already; choose another name`,
        );
      }
      owners.set(name, `the resource ${resource.name}`);
    }
  }
}
