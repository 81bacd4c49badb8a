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
  /** Counts wrong keys by client address; without it there may be any number. */
  failures?: FailureThrottle | undefined;
};

/**
 * Lets a request pass that carries a key with the scope, in `X-API-Key` or as `Authorization: Bearer`
 * (RFC 6750); where both are sent, `X-API-Key` decides. The key's name is `c.var.keyName` from then on.
 *
 * @throws {DomainError} `api_key_required`, `invalid_api_key`, `insufficient_scope`, or
 * `too_many_failures` to an address that sent too many wrong keys, whatever key it sends now.
 */
export function requireScope(scope: Scope, gatekeeper: Gatekeeper): MiddlewareHandler<AppEnv> {
  return async function requireScope(c, next) {
    const key = await identify(c, gatekeeper);
    if (key instanceof DomainError) throw key;
    if (!key) {
      throw new DomainError(
        "api_key_required",
        "Send the key in the X-API-Key header, or as Authorization: Bearer.",
      );
    }
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
 * Finds the key that a request carries, once for all that ask: nothing where it carries none, or why it
 * is not let in by it.
 */
export function identify(
  c: Context<AppEnv>,
  gatekeeper: Gatekeeper,
): Promise<Key | DomainError | undefined> {
  const { keys } = gatekeeper;
  if (c.var.identity?.keys === keys) return c.var.identity.found;
  const found = lookUp(c, gatekeeper);
  c.set("identity", { keys, found });
  return found;
}

async function lookUp(
  c: Context<AppEnv>,
  { keys, failures }: Gatekeeper,
): Promise<Key | DomainError | undefined> {
  const secret = presentedKey(c);
  if (!secret) return undefined;
  const found = await keys.identify(secret);
  const address = clientAddress(c);
  if (failures && address !== undefined) {
    const network = limitedNetwork(address);
    // Not before the key is looked up: of requests that come at once, each would find that none has failed.
    const refusal = failures.refusal(network);
    if (refusal) return refusal;
    if (found instanceof DomainError) failures.count(network);
  }
  if (!(found instanceof DomainError)) c.set("keyName", found.name);
  return found;
}

function presentedKey(c: Context): string | undefined {
  return (
    c.req.header("X-API-Key") ?? /^Bearer +(.+)$/i.exec(c.req.header("Authorization") ?? "")?.[1]
  );
}
