const MAX_MEMBERS = 32;

/** The number of characters that every system must pass on at least. */
const MAX_LENGTH = 512;

/** Longer members are removed first where there are too many characters. */
const LONG_MEMBER = 128;

/** `key=value`, with the keys of level 2, to which those of level 1 belong. */
const MEMBER =
  /^([a-z0-9][a-z0-9_\-*/@]{0,255})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

const EDGES = /^[ \t]+|[ \t]+$/g;

/**
 * Parses a `tracestate` header, several of them joined by commas.
 *
 * @returns the same list in at most 512 characters, without the space between members; nothing where it is
 * empty or any member of it is malformed, which discards all of them.
 * @see https://www.w3.org/TR/trace-context-2/#tracestate-header
 */
export function parseTracestate(header: string): string | undefined {
  const members = header
    .split(",")
    .map((member) => member.replace(EDGES, ""))
    .filter((member) => member !== "");
  if (members.length === 0 || members.length > MAX_MEMBERS) return undefined;
  const keys = new Set(members.map((member) => MEMBER.exec(member)?.[1]));
  // Each key may occur once, and what is malformed has no key.
  if (keys.has(undefined) || keys.size < members.length) return undefined;
  return shorten(members).join(",") || undefined;
}

/** Removes the long members first, then those at the end, which were changed longest ago. */
function shorten(members: readonly string[]): readonly string[] {
  if (lengthOf(members) <= MAX_LENGTH) return members;
  const kept = members.filter(({ length }) => length <= LONG_MEMBER);
  while (lengthOf(kept) > MAX_LENGTH) kept.pop();
  return kept;
}

function lengthOf(members: readonly string[]): number {
  return members.reduce((sum, { length }) => sum + length + 1, -1);
}
