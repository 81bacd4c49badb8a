import type { Resource } from "../resource.ts";
import type { ListQuery, Sort } from "../store.ts";

/** What the SQL of a list depends on; everything else is a value. */
export type ListShape = {
  sort: Sort;
  hasWords: boolean;
  /** The names of the filters, in the order of the definition. */
  filters: readonly string[];
  hasAfter: boolean;
};

/** Clients choose the shapes. Those that come first are kept, which are the usual ones. */
const MAX_KEPT = 200;

/**
 * Writes the SQL of every shape of list once, when it is first asked for. `isKept` where the same SQL will
 * come again, so that a database may keep it prepared.
 */
export function listShapes(resource: Resource, write: (shape: ListShape) => string) {
  const kept = new Map<string, string>();
  return function listSql({ sort, words, filters: values, after }: ListQuery) {
    const filters = resource.filter.filter((name) => values[name] !== undefined);
    const [hasWords, hasAfter] = [words.length > 0, after !== undefined];
    const key = [sort.field, sort.descending, hasWords, hasAfter, ...filters].join(" ");
    const sql = kept.get(key) ?? write({ sort, hasWords, filters, hasAfter });
    const isKept = kept.size < MAX_KEPT || kept.has(key);
    if (isKept) kept.set(key, sql);
    return { sql, isKept };
  };
}

/** The values of the placeholders of a list, in the order that every `write` puts them in. */
export function listValues<Stored>(
  resource: Resource,
  { words, filters, sort, after, limit }: ListQuery,
  toStored: {
    words: (words: readonly string[]) => Stored;
    field: (name: string, value: NonNullable<ListQuery["filters"][string]>) => Stored;
  },
): (Stored | number)[] {
  const values: (Stored | number)[] = [];
  if (words.length > 0) values.push(toStored.words(words));
  for (const name of resource.filter) {
    const value = filters[name];
    if (value !== undefined) values.push(toStored.field(name, value));
  }
  if (after && sort.field !== "id") values.push(toStored.field(sort.field, after.value));
  if (after) values.push(after.id);
  return [...values, limit];
}
