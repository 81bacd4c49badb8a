import type { Context } from "hono";
import { invalidInput } from "../errors.ts";
import type { AppEnv } from "../http/env.ts";

export const IDEMPOTENCY_KEY_HEADER = "Idempotency-Key";

/** A key, or a string of structured fields around one, in which each character may be escaped. */
export const IDEMPOTENCY_KEY_PATTERN = /^[\x20-\x7e]{1,512}$/;
const KEY = /^[\x20-\x7e]{1,255}$/;

/** RFC 9651 section 3.3.3. */
const STRING = /^"((?:[^"\\]|\\["\\])*)"$/;

/**
 * The name under which a store knows the request's idempotency key. Clients choose theirs without knowing
 * each other, so it begins with the API key's name, if there is one, and a line break, which no key holds.
 *
 * @throws {DomainError} `invalid_input` for a key that does not fit the pattern.
 */
export function idempotencyKey(c: Context<AppEnv>): string | undefined {
  const sent = c.req.header(IDEMPOTENCY_KEY_HEADER);
  if (sent === undefined) return undefined;
  const key = withoutQuotes(sent);
  if (!KEY.test(key)) {
    const message = `Expected 1 to 255 printable ASCII characters, received ${key.length} characters`;
    throw invalidInput([{ path: IDEMPOTENCY_KEY_HEADER, message }]);
  }
  const keyName = c.get("keyName");
  return keyName === undefined ? key : `${keyName}\n${key}`;
}

/**
 * The same key for clients that follow the draft, which makes it a string (`"k"`), and for those that send
 * it bare (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).
 */
function withoutQuotes(sent: string): string {
  const [, quoted] = STRING.exec(sent) ?? [];
  return quoted === undefined ? sent : quoted.replace(/\\(["\\])/g, "$1");
}
