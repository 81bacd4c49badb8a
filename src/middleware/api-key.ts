import type { Context, MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";
import { DomainError } from "../errors.ts";
import { allows, type Key, type Scope } from "../keys/key.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import { clientAddress, limitedNetwork } from "./client-address.ts";
import type { FailureThrottle } from "./failure-throttle.ts";

/** What keys are told by. */
export type Gatekeeper = {
  keys: KeyRing;
  /** Counts refused keys by client address; without it there may be any number. */
  failures?: FailureThrottle | undefined;
};

/** The key that a request is let in with, or why it is not, or nothing where it carries none. */
export type Verdict = Key | DomainError | undefined;

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
    const key = await judge(c, gatekeeper);
    if (!key) {
      throw new DomainError(
        "api_key_required",
        "Send the key in the X-API-Key header, or as Authorization: Bearer.",
      );
    }
    if (key instanceof DomainError) throw key;
    c.set("keyName", key.name);
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
 * The right key that a request carries, if it does. A wrong one counts here too, though nothing is refused
 * for it: whoever asks tells the two apart by what comes of it. To an address that sent too many of them a
 * right key is as good as none, unless it was let in from there before.
 */
export async function rightKey(
  c: Context<AppEnv>,
  gatekeeper: Gatekeeper,
): Promise<Key | undefined> {
  const key = await judge(c, gatekeeper);
  if (!key || key instanceof DomainError) return undefined;
  c.set("keyName", key.name);
  return key;
}

/** The verdict on the key that a request carries: once for all that ask, so that it counts once. */
function judge(c: Context<AppEnv>, gatekeeper: Gatekeeper): Promise<Verdict> {
  const { keys, failures } = gatekeeper;
  const { judged } = c.var;
  if (judged?.keys === keys && judged.failures === failures) return judged.verdict;
  const verdict = admit(c, gatekeeper);
  c.set("judged", { keys, failures, verdict });
  return verdict;
}

async function admit(c: Context<AppEnv>, gatekeeper: Gatekeeper): Promise<Verdict> {
  const secret = presentedKey(c);
  if (!secret) return undefined;
  const found = await gatekeeper.keys.identify(secret);
  // Not before the key is looked up: of requests that come at once, each would find that none has failed.
  const throttle = throttleOf(c, gatekeeper);
  const isWrong = found instanceof DomainError;
  const refusal = throttle?.refusal(isWrong ? undefined : found.name);
  if (refusal) return refusal;
  if (isWrong) throttle?.count();
  else throttle?.letIn(found.name);
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
