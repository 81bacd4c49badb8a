import type { MiddlewareHandler } from "hono";
import type { Authenticator } from "../auth/authenticator.ts";
import type { Scope } from "../auth/key.ts";
import { createKeyRing } from "../auth/key-ring.ts";
import * as apiKey from "../auth/require-scope.ts";
import type { Database } from "../database/database.ts";
import type { AppEnv } from "../http/env.ts";
import { jsonBody } from "../http/middleware/json-body.ts";
import { bringingAnswers, problemHandler } from "../http/problem.ts";
import * as healthGroup from "../probes/health.ts";
import * as processGroup from "../process/routes.ts";
import type { Resource } from "../resources/resource.ts";
import * as resourceGroup from "../resources/routes.ts";
import type { Store } from "../resources/store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock, Elapsed } from "../time.ts";

const MAX_BODY_BYTES = 1024 * 1024;

/** What a resource that is mounted in another app needs. */
export type ResourceRoutesOptions = {
  /** Where its entries are: see `createStore`. */
  store: Store;
  /** Guards the routes that write: `requireApiKey(key)`, or any middleware of your own. */
  writeAccess: MiddlewareHandler;
  /** Guards the routes that read; without it they are open. */
  readAccess?: MiddlewareHandler | undefined;
  /** The largest request body: 1,048,576 bytes by default. */
  maxBodyBytes?: number;
  /** Receives the reason when the database cannot be used; a client learns only that it cannot. */
  logger?: Logger;
};

/**
 * The entries of a resource, to be mounted at any path of any Hono app.
 *
 * What a client or the database gets wrong is answered as problem details (RFC 9457), which carry a
 * `request_id` where that app sets the variable `requestId`, as `hono/request-id` does. Any other error,
 * such as one that a middleware of yours throws, goes to that app's own `onError`.
 *
 * @example
 * app.route("/library", resourceRoutes(books, { store, writeAccess: requireApiKey(key) }));
 */
export function resourceRoutes<R extends Resource>(resource: R, options: ResourceRoutesOptions) {
  const { maxBodyBytes = MAX_BODY_BYTES, logger, ...deps } = options;
  const receiveJson = jsonBody(maxBodyBytes);
  const routes = resourceGroup.resourceRoutes(resource, { ...deps, receiveJson });
  return routes.onError(problemHandler(logger));
}

/** What actions that are mounted in another app need. */
export type ProcessRoutesOptions = {
  /** Guards the running of actions: `requireApiKey(key)`, or any middleware of your own. */
  access: MiddlewareHandler;
  /** The largest request body: 1,048,576 bytes by default. */
  maxBodyBytes?: number;
  /** Says when an action was run: `Date.now` by default. */
  clock?: Clock;
  /** Receives what went wrong on the server's side. */
  logger?: Logger;
};

/**
 * `POST /process`, which runs an action, and `GET /process`, which lists them, to be mounted at any path
 * of any Hono app. Errors are answered as those of {@link resourceRoutes}.
 */
export function processRoutes(options: ProcessRoutesOptions) {
  const { access, maxBodyBytes = MAX_BODY_BYTES, clock = Date.now, logger } = options;
  const receiveJson = jsonBody(maxBodyBytes);
  const routes = processGroup.processRoutes({ clock, requireKey: access, receiveJson });
  return routes.onError(problemHandler(logger));
}

/** What health routes that are mounted in another app need. */
export type HealthRoutesOptions = {
  /** What `/health` calls your service. */
  service: { readonly name: string; readonly version: string };
  /** Where it runs, such as `production`. */
  environment: string;
  /** The database that readiness depends on. */
  database: Pick<Database, "ping">;
  /** Whether the service stays ready without its database, once that has answered: not by default. */
  readyWithoutDatabase?: boolean;
  /** Whether the service takes new work: always by default. */
  readiness?: healthGroup.Readiness;
  /** Tells the time: `Date.now` by default. */
  clock?: Clock;
  /** Says how long your service has run: since these routes were made, by default. */
  uptime?: Elapsed;
};

/** `GET /health`, `/healthz` (liveness) and `/ready` (readiness), to be mounted in any Hono app. */
export function healthRoutes(options: HealthRoutesOptions) {
  const { clock = Date.now } = options;
  return healthGroup.healthRoutes({ ...options, clock });
}

/**
 * Lets a request pass that carries a key with the scope, in `X-API-Key` or as `Authorization: Bearer`
 * (RFC 6750); where both are sent, `X-API-Key` decides. The key's name is `c.var.keyName` from then on.
 *
 * What it refuses is answered as those errors of {@link resourceRoutes} are, also on routes of your own: Hono's
 * error handler does so by itself.
 *
 * @throws {HTTPException} whose `getResponse()` is a 401, a 403 or, with `failures`, a 429, and whose `cause`
 * is a {@link DomainError}.
 */
export function requireScope(
  scope: Scope,
  authenticator: Authenticator,
): MiddlewareHandler<AppEnv> {
  return bringingAnswers(apiKey.requireScope(scope, authenticator));
}

/**
 * Lets a request pass that carries this one key, as {@link requireScope} takes it.
 *
 * @param secret what the client sends.
 * @throws {HTTPException} as {@link requireScope} does.
 *
 * @example
 * app.use("/admin/*", requireApiKey(key));
 */
export function requireApiKey(secret: string): MiddlewareHandler {
  return requireScope("admin", { keys: createKeyRing({ apiKey: secret }, Date.now) });
}
