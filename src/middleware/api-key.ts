import type { Context, MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";
import { DomainError } from "../errors.ts";
import { allows, type Key, type Scope } from "../keys/key.ts";
import { createKeyRing, type KeyRing } from "../keys/key-ring.ts";
import { clientAddress, limitedNetwork } from "./client-address.ts";
import type { FailureThrottle } from "./failure-throttle.ts";

/** What keys are told by. */
export type Gatekeeper = {
  keys: KeyRing;
  /** Counts refused keys by client address; without it there may be any number. */
  failures?: FailureThrottle | undefined;
};

/**
 * Lets a request pass that carries a key with the scope, in `X-API-Key` or as `Authorization: Bearer`
 * (RFC 6750); where both are sent, `X-API-Key` decides. The key's name is `c.var.keyName` from then on.
 *
 * @throws {DomainError} `api_key_required`, `invalid_api_key`, `insufficient_scope`, or
 * `too_many_failures` to an address that sent too many wrong keys, unless it now sends one that was let in
 * from there before.
 */
export function requireScope(scope: Scope, gatekeeper: Gatekeeper): MiddlewareHandler<AppEnv> {
  return async function requireScope(c, next) {
    const found = await identify(c, gatekeeper);
    if (!found) {
      throw new DomainError(
        "api_key_required",
        "Send the key in the X-API-Key header, or as Authorization: Bearer.",
      );
    }
    const key = admit(c, found, gatekeeper);
    if (!allows(key, scope)) {
      throw new DomainError(
        "insufficient_scope",
        `This takes the scope ${scope}; the key ${key.name} has ${key.scopes.join(", ")}.`,
      );
    }
    await next();
  };
}

/**
 * Lets a request pass that carries this one key, as {@link requireScope} takes it.
 *
 * @throws {DomainError} `api_key_required` or `invalid_api_key`.
 */
export function requireApiKey(apiKey: string): MiddlewareHandler {
  return requireScope("admin", { keys: createKeyRing({ apiKey }, Date.now) });
}

/**
 * The right key that a request carries, if it does. A wrong one is not counted, as nothing is refused for
 * it here; to an address that sent too many of them a right key is as good as none, lest guesses be told.
 */
export async function rightKey(
  c: Context<AppEnv>,
  gatekeeper: Gatekeeper,
): Promise<Key | undefined> {
  const found = await identify(c, gatekeeper);
  if (!found || found instanceof DomainError) return undefined;
  if (throttleOf(c, gatekeeper)?.refusal(found.name)) return undefined;
  c.set("keyName", found.name);
  return found;
}

/** Finds the key that a request carries, once for all that ask: nothing where it carries none. */
function identify(
  c: Context<AppEnv>,
  { keys }: Gatekeeper,
): Promise<Key | DomainError | undefined> {
  if (c.var.identity?.keys === keys) return c.var.identity.found;
  const secret = presentedKey(c);
  const found = secret ? keys.identify(secret) : Promise.resolve(undefined);
  c.set("identity", { keys, found });
  return found;
}

/** Not before the key is looked up: of requests that come at once, each would find that none has failed. */
function admit(c: Context<AppEnv>, found: Key | DomainError, gatekeeper: Gatekeeper): Key {
  const throttle = throttleOf(c, gatekeeper);
  const isWrong = found instanceof DomainError;
  const refusal = throttle?.refusal(isWrong ? undefined : found.name);
  if (refusal) throw refusal;
  if (isWrong) {
    throttle?.count();
    throw found;
  }
  throttle?.letIn(found.name);
  c.set("keyName", found.name);
  return found;
}

/** The failures of a request's address, where they are counted and the address is known. */
function throttleOf(c: Context<AppEnv>, { failures }: Gatekeeper) {
  const address = clientAddress(c);
  if (!failures || address === undefined) return undefined;
  const network = limitedNetwork(address);
  return {
    refusal: (keyName?: string) => failures.refusal(network, keyName),
    count: () => failures.count(network),
    letIn: (keyName: string) => failures.letIn(network, keyName),
  };
}

function presentedKey(c: Context): string | undefined {
  return (
    c.req.header("X-API-Key") ?? /^Bearer +(.+)$/i.exec(c.req.header("Authorization") ?? "")?.[1]
  );
}
