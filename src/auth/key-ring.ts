import { DomainError } from "../errors.ts";
import type { Clock } from "../time.ts";
import { digestOf, type Key, toHex } from "./key.ts";

/** What a key ring is made of, as the configuration names it. */
export type KeySource = {
  /** The secret of a key that is called `default` and allowed everything. */
  apiKey?: string | undefined;
  apiKeys?: readonly Key[];
};

/** The keys of the moment. */
export type KeyRing = {
  /** The key whose secret this is, or why there is none that is valid now: `invalid_api_key`. */
  identify: (secret: string) => Promise<Key | DomainError>;
  /** Puts other keys in the place of all that there are; every request sees either the old or the new. */
  replace: (source: KeySource) => void;
};

/** What `API_KEY` is called where keys have names. */
export const DEFAULT_KEY = "default";

type Entry = { key: Key; digest: Uint8Array };

/** A key ring that tells by `clock` which keys are valid. */
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
 * Compares with every digest to its end, so that the time it takes says nothing of them, nor of which
 * one it was. Digests are of one length, so neither does it of a secret's length.
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

/** Whoever holds the secret may know what became of the key. */
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
