import { toHex } from "../encoding.ts";

/** A right that a key can have, such as `books:read`; `admin` allows everything. */
export type Scope = string;

/** A key without its secret, which the service does not store. */
export type Key = {
  /** Its name in the access log. */
  name: string;
  scopes: readonly Scope[];
  /** SHA-256 of the secret, as 64 lower-case hexadecimal digits. */
  digest: string;
  /** When it becomes valid, in milliseconds since the epoch; always valid by default. */
  notBefore?: number;
  /** When it stops being valid, in milliseconds since the epoch; never by default. */
  expires?: number;
};

/** Whether the key has `scope`, or `admin`, which allows everything. */
export function allows({ scopes }: Key, scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes("admin");
}

/** SHA-256 of a text in UTF-8 (FIPS 180-4), as 64 lower-case hexadecimal digits. */
export type Digest = (text: string) => string | Promise<string>;

/** What every runtime has. */
export const digestOf = async (text: string): Promise<string> => {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return toHex(new Uint8Array(bytes));
};
