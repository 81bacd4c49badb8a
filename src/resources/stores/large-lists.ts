import { type Entry, hasWords, type Resource } from "../resource.ts";
import type { ListQuery } from "../store.ts";

/** How many entries are looked at first, and then at a time, and in all: each takes some 5 µs. */
const FIRST = 200;
const NEXT = 1000;
const MOST = 5000;

/** Lists entries in one statement. */
type List = (query: ListQuery) => Promise<Entry[]>;

/** Whether an index leads right to the page, so that it takes the same time in a table of any size. */
export function isQuick({ words, filters, sort }: ListQuery): boolean {
  const count = Object.keys(filters).length;
  return words.length === 0 && (count === 0 || (count === 1 && sort.field === "id"));
}

/**
 * A page of a large table. To find words in another order than by id, or together with filters, a
 * statement has to look at every entry that has the words, which may be most of the table. But if it is
 * most of the table, the page is among the next entries in order, which take less time to look at.
 */
export async function listLarge(
  resource: Resource,
  query: ListQuery,
  list: List,
): Promise<Entry[]> {
  const { words, sort, filters, limit } = query;
  const isInOrder = sort.field === "id" && Object.keys(filters).length === 0;
  if (words.length === 0 || isInOrder) return list(query);
  const found: Entry[] = [];
  let { after } = query;
  for (let seen = 0; seen < MOST; ) {
    const size = seen === 0 ? FIRST : NEXT;
    const next = await list({ ...query, words: [], after, limit: size });
    found.push(...next.filter((entry) => hasWords(resource, entry, words)));
    const last = next.at(-1);
    if (found.length >= limit || !last || next.length < size) return found.slice(0, limit);
    if (found.length === 0) break;
    after = { value: last[sort.field] ?? "", id: last.id };
    seen += size;
  }
  return list(query);
}
