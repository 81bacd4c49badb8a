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

/** `isKept` where the same SQL will come again, so that a database may keep it prepared. */
export type ListSql = { sql: string; isKept: boolean };

/** Clients choose the shapes. Those that come first are kept, which are the usual ones. */
const MAX_KEPT = 200;

/** Writes the SQL of every shape of list once, when it is first asked for. */
export function listShapes(resource: Resource, write: (shape: ListShape) => string) {
  const kept = new Map<string, ListSql>();
  return function listSql({ sort, words, filters, after }: ListQuery): ListSql {
    const names = resource.filter.filter((name) => filters[name] !== undefined);
    const shape = {
      sort,
      hasWords: words.length > 0,
      filters: names,
      hasAfter: after !== undefined,
    };
    const key = [sort.field, sort.descending, shape.hasWords, shape.hasAfter, ...names].join(" ");
    const known = kept.get(key);
    if (known) return known;
    const isKept = kept.size < MAX_KEPT;
    const made = { sql: write(shape), isKept };
    if (isKept) kept.set(key, made);
    return made;
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
