import type { Context, MiddlewareHandler } from "hono";
import { DomainError } from "../errors.ts";

/**
 * Lets a request pass that carries the key in `X-API-Key` or as `Authorization: Bearer` (RFC 6750);
 * where both are sent, `X-API-Key` decides.
 *
 * @throws {DomainError} `api_key_required` or `invalid_api_key`.
 */
export function requireApiKey(apiKey: string): MiddlewareHandler {
  const isKey = keyTest(apiKey);
  return async function requireApiKey(c, next) {
    const presented = presentedKey(c);
    if (!presented) {
      throw new DomainError(
        "api_key_required",
        "Send the key in the X-API-Key header, or as Authorization: Bearer.",
      );
    }
    if (!(await isKey(presented))) {
      throw new DomainError("invalid_api_key", "The key sent is not one that this service knows.");
    }
    await next();
  };
}

/** Says of a request whether it carries the key, as {@link requireApiKey} would take it. */
export function carriesApiKey(apiKey: string): (c: Context) => Promise<boolean> {
  const isKey = keyTest(apiKey);
  return async (c) => {
    const presented = presentedKey(c);
    return presented !== undefined && isKey(presented);
  };
}

function keyTest(apiKey: string): (presented: string) => Promise<boolean> {
  const expected = digest(apiKey);
  return async (presented) => equalInConstantTime(await digest(presented), await expected);
}

function presentedKey(c: Context): string | undefined {
  return (
    c.req.header("X-API-Key") ?? /^Bearer +(.+)$/i.exec(c.req.header("Authorization") ?? "")?.[1]
  );
}

/** Digests are of one length, so comparing them tells nothing about the length of the key either. */
async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function equalInConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  let difference = left.length ^ right.length;
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0);
  return difference === 0;
}
