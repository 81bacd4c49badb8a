import { DomainError } from "../errors.ts";
import { whenKnown } from "../promises.ts";
import type { FailureThrottle } from "./failure-throttle.ts";
import type { Key } from "./key.ts";
import type { KeyRing } from "./key-ring.ts";

/** Authenticates requests with the keys of a ring. */
export type Authenticator = {
  keys: KeyRing;
  /** Limits wrong keys by client address; by default their number is not limited. */
  failures?: FailureThrottle | undefined;
};

/** The valid key of a request, or the error that refuses it, or nothing for a request without a key. */
export type AuthResult = Key | DomainError | undefined;

/**
 * Authenticates a client by the secret it presents.
 *
 * @param network counts the failures; `undefined` where the client's address is unknown.
 */
export function authenticate(
  { keys, failures }: Authenticator,
  { secret, network }: { secret: string; network: string | undefined },
): AuthResult | Promise<AuthResult> {
  const found = keys.identify(secret);
  if (!failures || network === undefined) return found;
  const throttle = (result: Key | DomainError) => throttled(failures, network, result);
  return whenKnown(found, throttle);
}

function throttled(
  failures: FailureThrottle,
  network: string,
  found: Key | DomainError,
): Key | DomainError {
  // After the lookup: before it, requests that arrive together would all see that none has failed yet.
  const isWrong = found instanceof DomainError;
  const refusal = failures.refusal(network, isWrong ? undefined : found.name);
  if (refusal) return refusal;
  if (isWrong) failures.count(network);
  else failures.remember(network, found.name);
  return found;
}
