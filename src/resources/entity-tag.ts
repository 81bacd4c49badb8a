import type { Entry } from "./resource.ts";

/** An entry's strong entity tag (RFC 9110 section 8.8.3): its id and the millisecond it last changed. */
export function entityTag({ id, updated_at }: Entry): string {
  return `"${id}-${Date.parse(updated_at).toString(36)}"`;
}

/**
 * Whether `If-Match` holds, as it does where it is not sent.
 *
 * A proxy that compresses an answer makes the tag weak (nginx) or adds the encoding to it: `-gzip` (Apache,
 * Caddy), `--gzip` or `;gzip` (Jetty). Clients then send what they got, and few proxies take it back.
 * All these name the state that the tag was made for. RFC 9110 section 13.1.1 lets no weak tag match
 * because others may give one tag to two states; ours are of one state each, so that no change is lost.
 */
export function ifMatchHolds(header = "*", tag: string): boolean {
  return header.trim() === "*" || namesState(header, tag);
}

/** Whether `If-None-Match` is sent and names the tag's state, as {@link ifMatchHolds} reads it. */
export function ifNoneMatchNames(header = "", tag: string): boolean {
  return header.trim() === "*" || namesState(header, tag);
}

const LISTED = /(?:W\/)?"[^"]*"/g;
const ADDED_BY_PROXIES = /^W\/|(?:--?|;)(?:gzip|br|zstd|deflate)(?="$)/g;

function namesState(header: string, tag: string): boolean {
  const listed = header.match(LISTED) ?? [];
  return listed.some((each) => each === tag || each.replace(ADDED_BY_PROXIES, "") === tag);
}
