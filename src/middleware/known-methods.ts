import type { Hono } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { AppEnv } from "../app-env.ts";
import { DomainError } from "../errors.ts";
import { problemResponse } from "../problem.ts";

/**
 * Answers a method that a path does not have with a 405, and OPTIONS with a 204; both name in `Allow`
 * the methods that `app` has there.
 */
export function knownMethods(app: Hono<AppEnv>) {
  return methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) => {
      const allow = [...methods, "OPTIONS"].join(", ");
      if (c.req.method === "OPTIONS") return c.body(null, 204, { Allow: allow });
      const error = new DomainError(
        "method_not_allowed",
        `${c.req.path} takes ${allow}, not ${c.req.method}.`,
      );
      const response = problemResponse(c, error);
      response.headers.set("Allow", allow);
      return response;
    },
  });
}
