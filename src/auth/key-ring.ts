import { DomainError } from "../errors.ts";
import { whenKnown } from "../promises.ts";
import { type Clock, rfc3339 } from "../time.ts";
import { type Digest, digestOf, type Key } from "./key.ts";

/** The keys for a key ring, with the names of the configuration. */
export type KeySource = {
  /** The secret of a key that is called `default` and has every right. */
  apiKey?: string | undefined;
  apiKeys?: readonly Key[];
};

/** The keys that are in use now. */
export type KeyRing = {
  /** The valid key with this secret, or an `invalid_api_key` error with the reason. */
  identify: (secret: string) => Key | DomainError | Promise<Key | DomainError>;
  /** Replaces all keys; every request sees either the old or the new ones. */
  replace: (source: KeySource) => void;
};

/** The name of the key in `API_KEY`. */
export const DEFAULT_KEY = "default";

/**
 * Makes a key ring; `clock` decides which keys are valid.
 *
 * @param digest where the runtime has one that answers at once, which saves 5 µs a request.
 */
export function createKeyRing(source: KeySource, clock: Clock, digest: Digest = digestOf): KeyRing {
  let current = keysByDigest(source, digest);

  function find(keys: ReadonlyMap<string, Key>, digested: string): Key | DomainError {
    const key = keys.get(digested);
    if (!key) return refusal("The key sent is not one that this service knows.");
    return whyNotAt(clock(), key) ?? key;
  }

  return {
    identify(secret) {
      const keys = current;
      return whenKnown(digest(secret), (digested) =>
        whenKnown(keys, (known) => find(known, digested)),
      );
    },

    replace(next) {
      current = keysByDigest(next, digest);
    },
  };
}

/**
 * Looking up a digest needs no constant time: nobody can choose secrets whose digests come closer to a
 * stored one step by step.
 */
function keysByDigest(
  { apiKey, apiKeys = [] }: KeySource,
  digest: Digest,
): Map<string, Key> | Promise<Map<string, Key>> {
  const withDefault = (digested: string) => {
    const own: Key = { name: DEFAULT_KEY, scopes: ["admin"], digest: digested };
    // First, so that a key with a name replaces it where both have one secret.
    return new Map([own, ...apiKeys].map((key) => [key.digest, key]));
  };
  if (apiKey === undefined) return new Map(apiKeys.map((key) => [key.digest, key]));
  const digested = digest(apiKey);
  return whenKnown(digested, withDefault);
}

/** A client with the right secret may know why the key is not valid. */
function whyNotAt(now: number, { name, notBefore, expires }: Key): DomainError | undefined {
  if (notBefore !== undefined && now < notBefore) {
    return refusal(`The key ${name} is not valid before ${rfc3339(notBefore)}.`);
  }
  if (expires !== undefined && now >= expires) {
    return refusal(`The key ${name} expired at ${rfc3339(expires)}.`);
  }
  return undefined;
}

function refusal(message: string): DomainError {
  return new DomainError("invalid_api_key", message);
}
