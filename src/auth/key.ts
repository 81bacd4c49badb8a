/** What a key may be allowed to do, such as `books:read`; `admin` allows everything. */
export type Scope = string;

/** A key as the service knows it, which is never the secret itself. */
export type Key = {
  /** What the access log calls it. */
  name: string;
  scopes: readonly Scope[];
  /** SHA-256 of the secret, as 64 lower-case hexadecimal digits. */
  digest: string;
  /** From when on it is valid, in milliseconds since the epoch; always unless told. */
  notBefore?: number;
  /** From when on it is valid no more, in milliseconds since the epoch; never unless told. */
  expires?: number;
};

/** Whether the key may do what takes `scope`: it has that scope, or `admin`, which allows everything. */
export function allows({ scopes }: Key, scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes("admin");
}

/** SHA-256 of a secret's UTF-8 (FIPS 180-4). */
export async function digestOf(secret: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret)));
}
