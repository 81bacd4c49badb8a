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
  /** Receives where each wrong key came from, if that is known. */
  onWrongKey?: ((network: string | undefined) => void) | undefined;
};

/** The valid key of a request, or the error that refuses it, or nothing for a request without a key. */
export type AuthResult = Key | DomainError | undefined;

/**
 * Authenticates a client by the secret it presents. A valid key is accepted from any address, whatever
 * others send from there: nobody guesses one of 256 bits.
 *
 * @param network counts the failures; `undefined` where the client's address is unknown.
 */
export function authenticate(
  { keys, failures, onWrongKey }: Authenticator,
  { secret, network }: { secret: string; network: string | undefined },
): AuthResult | Promise<AuthResult> {
  return whenKnown(keys.identify(secret), (found) => {
    if (!(found instanceof DomainError)) return found;
    onWrongKey?.(network);
    const refusal = network === undefined ? undefined : failures?.count(network);
    return refusal ?? found;
  });
}
