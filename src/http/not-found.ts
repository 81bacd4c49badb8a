import type { Context, Hono } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { DomainError } from "../errors.ts";
import type { AppEnv } from "./env.ts";
import { problemResponse } from "./problem.ts";

/**
 * Answers requests without a route in `app`: with a 404 if the path has no route; otherwise with a 405,
 * or a 204 to OPTIONS, whose `Allow` names the methods of the path.
 *
 * Hono's `method-not-allowed` is a middleware that every request pays for; this costs only requests
 * without a route.
 */
export function notFound(app: Hono<AppEnv>) {
  let methodsAt: ((path: string) => string[]) | undefined;
  return function notFound(c: Context<AppEnv>): Response {
    methodsAt ??= methodIndex(app);
    const methods = methodsAt(c.req.path);
    if (methods.length === 0) {
      const detail = `There is nothing at ${c.req.path}.`;
      return problemResponse(c, new DomainError("endpoint_not_found", detail));
    }
    const allow = [...methods, "OPTIONS"].join(", ");
    if (c.req.method === "OPTIONS") return c.body(null, 204, { Allow: allow });
    const detail = `${c.req.path} takes ${allow}, not ${c.req.method}.`;
    return problemResponse(c, new DomainError("method_not_allowed", detail), { Allow: allow });
  };
}

/** Finds the methods that have routes at a path; a route for GET answers HEAD too. */
function methodIndex(app: Hono<AppEnv>): (path: string) => string[] {
  const router = new TrieRouter<string>();
  for (const { method, path } of app.routes) {
    if (method !== "ALL") router.add("ALL", path, method);
  }
  return (path) => {
    const methods = new Set(router.match("ALL", path)[0].map(([method]) => method));
    if (methods.has("GET")) methods.add("HEAD");
    return [...methods];
  };
}
