import { z } from "zod";
import { fromBase64, toBase64Url } from "../encoding.ts";
import { invalidInput } from "../errors.ts";
import type { Value } from "./field.ts";
import type { Entry, Resource } from "./resource.ts";
import { idSchema, storedSchema } from "./schemas.ts";
import type { ListQuery, Position } from "./store.ts";

/** What a cursor belongs to: the order and the filters of the list it was made for. */
type List = Pick<ListQuery, "sort" | "words" | "filters">;

/**
 * An opaque cursor to the place after `entry` in `list`. It is not signed: a forged one holds what an entry
 * could hold, and shows nothing that the list would not.
 */
export function encodeCursor(entry: Entry, list: List): string {
  return encode({ value: entry[list.sort.field] ?? null, id: entry.id }, list);
}

function encode({ value, id }: { value: Value; id: number }, list: List): string {
  const place = JSON.stringify([identityOf(list), value, id]);
  return toBase64Url(new TextEncoder().encode(place));
}

/**
 * The place that a cursor stands for.
 *
 * @throws {DomainError} `invalid_input` for a cursor that is broken or was made for another list.
 */
export function decodeCursor(resource: Resource, cursor: string, list: List): Position {
  const { field } = list.sort;
  const valueOfField = field === "id" ? idSchema() : storedSchema(resource, field);
  try {
    const [, value, id] = z
      .tuple([z.literal(identityOf(list)), valueOfField, idSchema()])
      .parse(JSON.parse(new TextDecoder().decode(fromBase64(cursor))));
    const isPlace = value !== null && (field !== "id" || value === id);
    // What reads the same may be written in other ways, none of which was ever answered.
    if (isPlace && encode({ value, id }, list) === cursor) return { value, id };
  } catch {
    // One answer for every way in which a cursor can be broken.
  }
  throw invalidInput([
    { path: "cursor", message: "Not a cursor that was answered for this sort and these filters" },
  ]);
}

/** Tells any two lists apart, whatever page of them. */
function identityOf({ sort, words, filters }: List): string {
  const named = Object.entries(filters).sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([sort.field, sort.descending, words, named]);
}
