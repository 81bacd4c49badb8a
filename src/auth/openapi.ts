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

/** A route's possible answers to a wrong or missing key. */
export const KEY_PROBLEMS = [401, 403, 429] as const;

/** Declares the schemes that `keySecurity` names. */
export function declareSecurity(app: OpenAPIHono<AppEnv>): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
  });
}
