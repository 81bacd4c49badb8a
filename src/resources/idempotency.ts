import type { Context } from "hono";
import { invalidInput } from "../errors.ts";
import type { AppEnv } from "../http/env.ts";

export const IDEMPOTENCY_KEY_HEADER = "Idempotency-Key";
export const IDEMPOTENCY_KEY_PATTERN = /^[\x20-\x7e]{1,255}$/;

/**
 * The name under which a store knows the request's idempotency key. Clients choose theirs without knowing
 * each other, so it begins with the API key's name, if there is one, and a line break, which no key holds.
 *
 * @throws {DomainError} `invalid_input` for a key that does not fit the pattern.
 */
export function idempotencyKey(c: Context<AppEnv>): string | undefined {
  const key = c.req.header(IDEMPOTENCY_KEY_HEADER);
  if (key === undefined) return undefined;
  if (!IDEMPOTENCY_KEY_PATTERN.test(key)) {
    throw invalidInput([
      { path: IDEMPOTENCY_KEY_HEADER, message: "Expected 1 to 255 printable ASCII characters" },
    ]);
  }
  return c.var.keyName === undefined ? key : `${c.var.keyName}\n${key}`;
}
