import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "../http/env.ts";
import type { Scope } from "./key.ts";

/**
 * The `security` of a route that needs an API key with a scope. OpenAPI 3.1 calls such scopes the roles
 * that a scheme's users need (section 4.8.30).
 */
export function keySecurity(scope: Scope) {
  return [{ apiKey: [scope] }, { bearer: [scope] }];
}

/** The `security` of a route that needs none. */
export const NO_KEY: Record<string, string[]>[] = [];

/** A route's possible answers to a wrong or missing key. */
export const KEY_PROBLEMS = [401, 403, 429] as const;

/** Declares the schemes that `keySecurity` names. */
export function declareSecurity(app: OpenAPIHono<AppEnv>): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
    description:
      "A key that the operator of the service gave to you. It needs the scope of the route.",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "The same key as a bearer token (RFC 6750).",
  });
}
