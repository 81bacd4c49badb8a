import type { Context, MiddlewareHandler } from "hono";
import { DomainError } from "../errors.ts";
import type { AppEnv } from "../http/env.ts";
import { addressPrefix } from "../http/ip-address.ts";
import { whenKnown } from "../promises.ts";
import { type Authenticator, type AuthResult, authenticate } from "./authenticator.ts";
import { allows, type Scope } from "./key.ts";

/**
 * Lets only requests pass that carry a key with the scope, in `X-API-Key` or as `Authorization: Bearer`
 * (RFC 6750); if both are sent, `X-API-Key` counts. Then `c.var.keyName` is the key's name.
 *
 * @throws {DomainError} `api_key_required`, `invalid_api_key`, `insufficient_scope`, or
 * `too_many_failures` to a wrong key from an address that sent too many of them.
 */
export function requireScope(
  scope: Scope,
  authenticator: Authenticator,
): MiddlewareHandler<AppEnv> {
  function admit(c: Context<AppEnv>, key: AuthResult): void {
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
        `This requires the scope ${scope}; the key ${key.name} has ${key.scopes.join(", ")}.`,
      );
    }
  }

  return function requireScope(c, next) {
    return whenKnown(authenticateRequest(c, authenticator), (key) => {
      admit(c, key);
      return next();
    });
  };
}

/**
 * Names the client of a request on any route: its key if that is valid, else its address. So only a client
 * with the key can use up the key's limit, and wrong keys count for the address that sends them.
 */
export function nameClient(authenticator: Authenticator) {
  function nameOf(c: Context<AppEnv>, key: AuthResult): string {
    if (!key || key instanceof DomainError) {
      return `address ${addressPrefix(c.get("request")?.clientAddress)}`;
    }
    c.set("keyName", key.name);
    return `key ${key.name}`;
  }

  return function nameClient(c: Context<AppEnv>): string | Promise<string> {
    return whenKnown(authenticateRequest(c, authenticator), (key) => nameOf(c, key));
  };
}

/** What one authenticator has found out about a request. */
type Authenticated = Authenticator & { result: AuthResult | Promise<AuthResult> };

/** Authenticates once per request, so that a wrong key counts once. */
function authenticateRequest(
  c: Context<AppEnv>,
  authenticator: Authenticator,
): AuthResult | Promise<AuthResult> {
  const { keys, failures } = authenticator;
  const earlier = c.get("authenticated") as Authenticated | undefined;
  if (earlier?.keys === keys && earlier.failures === failures) return earlier.result;
  const secret = presentedKey(c);
  if (!secret) return undefined;
  const address = c.get("request")?.clientAddress;
  const network = address === undefined ? undefined : addressPrefix(address);
  const result = authenticate(authenticator, { secret, network });
  c.set("authenticated", { keys, failures, result } satisfies Authenticated);
  return result;
}

/** Some clients send the header without a key, next to a key as a bearer token. */
function presentedKey(c: Context): string | undefined {
  return (
    c.req.header("X-API-Key") || /^Bearer +(.+)$/i.exec(c.req.header("Authorization") ?? "")?.[1]
  );
}
