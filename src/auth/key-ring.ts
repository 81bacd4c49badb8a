import { DomainError } from "../errors.ts";
import type { Clock } from "../time.ts";
import { digestOf, type Key, toHex } from "./key.ts";

/** The keys for a key ring, with the names of the configuration. */
export type KeySource = {
  /** The secret of a key that is called `default` and has every right. */
  apiKey?: string | undefined;
  apiKeys?: readonly Key[];
};

/** The keys that are in use now. */
export type KeyRing = {
  /** The valid key with this secret, or an `invalid_api_key` error with the reason. */
  identify: (secret: string) => Promise<Key | DomainError>;
  /** Replaces all keys; every request sees either the old or the new ones. */
  replace: (source: KeySource) => void;
};

/** The name of the key in `API_KEY`. */
export const DEFAULT_KEY = "default";

type Entry = { key: Key; digest: Uint8Array };

/** Makes a key ring; `clock` decides which keys are valid. */
export function createKeyRing(source: KeySource, clock: Clock): KeyRing {
  let current = entriesOf(source);

  return {
    async identify(secret) {
      const presented = await digestOf(secret);
      const key = findInConstantTime(await current, presented);
      if (!key) return refusal("The key sent is not one that this service knows.");
      return whyNotAt(clock(), key) ?? key;
    },

    replace(next) {
      current = entriesOf(next);
    },
  };
}

async function entriesOf({ apiKey, apiKeys = [] }: KeySource): Promise<Entry[]> {
  const entries = apiKeys.map((key) => ({ key, digest: fromHex(key.digest) }));
  if (apiKey === undefined) return entries;
  const digest = await digestOf(apiKey);
  const key: Key = { name: DEFAULT_KEY, scopes: ["admin"], digest: toHex(digest) };
  return [{ key, digest }, ...entries];
}

/**
 * Compares with every digest completely, so that the time reveals neither the digests nor which one
 * matched. Digests have one length, so it does not reveal the secret's length either.
 */
function findInConstantTime(entries: readonly Entry[], presented: Uint8Array): Key | undefined {
  let found: Key | undefined;
  for (const { key, digest } of entries) {
    let difference = presented.length ^ digest.length;
    for (let index = 0; index < presented.length; index += 1) {
      difference |= (presented[index] ?? 0) ^ (digest[index] ?? 0);
    }
    found = difference === 0 ? key : found;
  }
  return found;
}

/** A client with the right secret may know why the key is not valid. */
function whyNotAt(now: number, { name, notBefore, expires }: Key): DomainError | undefined {
  if (notBefore !== undefined && now < notBefore) {
    return refusal(`The key ${name} is not valid before ${new Date(notBefore).toISOString()}.`);
  }
  if (expires !== undefined && now >= expires) {
    return refusal(`The key ${name} expired at ${new Date(expires).toISOString()}.`);
  }
  return undefined;
}

function refusal(message: string): DomainError {
  return new DomainError("invalid_api_key", message);
}

function fromHex(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
