import { toHex } from "../encoding.ts";
import { DomainError } from "../errors.ts";
import type { Clock } from "../time.ts";
import { digestOf, type Key } from "./key.ts";

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

/** Makes a key ring; `clock` decides which keys are valid. */
export function createKeyRing(source: KeySource, clock: Clock): KeyRing {
  let current = keysByDigest(source);

  return {
    async identify(secret) {
      const digest = toHex(await digestOf(secret));
      const key = (await current).get(digest);
      if (!key) return refusal("The key sent is not one that this service knows.");
      return whyNotAt(clock(), key) ?? key;
    },

    replace(next) {
      current = keysByDigest(next);
    },
  };
}

/**
 * Looking up a digest needs no constant time: nobody can choose secrets whose digests come closer to a
 * stored one step by step.
 */
async function keysByDigest({ apiKey, apiKeys = [] }: KeySource): Promise<Map<string, Key>> {
  const keys = [...apiKeys];
  if (apiKey !== undefined) {
    const digest = toHex(await digestOf(apiKey));
    // First, so that a key with a name replaces it where both have one secret.
    keys.unshift({ name: DEFAULT_KEY, scopes: ["admin"], digest });
  }
  return new Map(keys.map((key) => [key.digest, key]));
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
