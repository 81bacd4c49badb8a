import { z } from "zod";
import { lazySchema } from "../validation.ts";
import type { Key, Scope } from "./key.ts";

/** The format of a line, for people. */
const KEY_LINE = "NAME SCOPE[,SCOPE] sha256:HEX [not-before=DATE] [expires=DATE]";

const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;
const DIGEST = /^sha256:([0-9a-f]{64})$/i;
const COMMENT = /(^|\s)#.*/;

/** A day begins at midnight UTC. A time needs its zone, or it would differ between machines. */
const dateSchema = lazySchema(() => z.union([z.iso.date(), z.iso.datetime({ offset: true })]));

/** A wrong line; the message says what is expected, and never repeats the line. */
export class KeyLineError extends Error {
  override readonly name = "KeyLineError";
}

/**
 * The keys of a text with one key per line, see {@link KEY_LINE}. Lines may be blank, and `#` begins a
 * comment.
 *
 * @returns also every problem with a line, with its number and never its content.
 */
export function parseKeyFile(
  text: string,
  allScopes: readonly Scope[],
): { keys: Key[]; problems: string[] } {
  const keys: Key[] = [];
  const problems: string[] = [];
  const lineOf = { name: new Map<string, number>(), digest: new Map<string, number>() };
  for (const [index, words] of text.split("\n").map(wordsOf).entries()) {
    if (words.length === 0) continue;
    try {
      const key = parseKeyWords(words, allScopes);
      for (const part of ["name", "digest"] as const) {
        const line = lineOf[part].get(key[part]);
        if (line) {
          throw new KeyLineError(`repeats the ${part} of line ${line}; each must be unique`);
        }
      }
      for (const part of ["name", "digest"] as const) lineOf[part].set(key[part], index + 1);
      keys.push(key);
    } catch (error) {
      if (!(error instanceof KeyLineError)) throw error;
      problems.push(`line ${index + 1}: ${error.message}`);
    }
  }
  if (keys.length === 0 && problems.length === 0)
    problems.push(
      `holds no key; write lines of the form ${KEY_LINE}, with the scopes ${allScopes.join(", ")}`,
    );
  return { keys, problems };
}

function wordsOf(line: string): string[] {
  return line.replace(COMMENT, "").split(/\s+/).filter(Boolean);
}

/**
 * Parses the words of a line into a key.
 *
 * @throws {KeyLineError} for the first wrong word.
 */
export function parseKeyWords(words: readonly string[], allScopes: readonly Scope[]): Key {
  const [name = "", scopes = "", digest = "", ...dates] = words;
  if (!NAME.test(name)) {
    throw new KeyLineError(
      "a name is 1 to 64 letters, digits, dots, dashes and underscores, with a letter or digit first",
    );
  }
  return {
    name,
    scopes: parseScopes(scopes, allScopes),
    digest: parseDigest(digest),
    ...parseDates(dates),
  };
}

function parseScopes(text: string, allScopes: readonly Scope[]): Scope[] {
  const scopes = text.split(",");
  if (scopes.every((scope) => allScopes.includes(scope))) return [...new Set(scopes)];
  throw new KeyLineError(
    `scopes are ${allScopes.join(", ")}, with commas and no spaces between them`,
  );
}

function parseDigest(text: string): string {
  const digest = DIGEST.exec(text)?.[1];
  if (!digest) throw new KeyLineError("a digest is sha256: and 64 hexadecimal digits");
  return digest.toLowerCase();
}

function parseDates(words: readonly string[]): Pick<Key, "notBefore" | "expires"> {
  const dates = new Map(words.map(parseDate));
  if (dates.size < words.length)
    throw new KeyLineError("not-before and expires may be given only once");
  const notBefore = dates.get("not-before");
  const expires = dates.get("expires");
  if (notBefore !== undefined && expires !== undefined && expires <= notBefore) {
    throw new KeyLineError("expires must be later than not-before");
  }
  return {
    ...(notBefore !== undefined && { notBefore }),
    ...(expires !== undefined && { expires }),
  };
}

function parseDate(word: string): [name: string, time: number] {
  const [, name, value] = /^(not-before|expires)=(.*)$/.exec(word) ?? [];
  const date = dateSchema.safeParse(value);
  if (name && date.success) return [name, Date.parse(date.data)];
  throw new KeyLineError(
    "after the digest only not-before=DATE and expires=DATE may follow, DATE such as 2027-01-31 or 2027-01-31T12:00:00Z",
  );
}
