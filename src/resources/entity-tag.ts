import type { Entry } from "./resource.ts";

/** An entry's strong entity tag (RFC 9110 section 8.8.3): its id and the millisecond it last changed. */
export function entityTag({ id, updated_at }: Entry): string {
  return `"${id}-${Date.parse(updated_at).toString(36)}"`;
}

/** Whether `If-Match` holds, as it does where it is not sent: strong comparison, so that a weak tag never matches. */
export function ifMatchHolds(header = "*", tag: string): boolean {
  return header.trim() === "*" || listedTags(header).includes(tag);
}

/** Whether `If-None-Match` is sent and names the tag: weak comparison. */
export function ifNoneMatchNames(header = "", tag: string): boolean {
  return (
    header.trim() === "*" || listedTags(header).some((listed) => listed.replace(/^W\//, "") === tag)
  );
}

function listedTags(header: string): string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? [];
}
