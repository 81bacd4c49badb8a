import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";

/** Lets pages of these origins call the API from a browser, and read the headers of its answers. */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler {
  const share = cors({
    origin: origins.includes("*") ? "*" : [...origins],
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: [
      "Authorization",
      "Content-Type",
      "Idempotency-Key",
      "If-Match",
      "If-None-Match",
      "X-API-Key",
      "X-Request-Id",
      // For pages that trace their requests (https://www.w3.org/TR/trace-context/).
      "traceparent",
      "tracestate",
    ],
    exposeHeaders: [
      "ETag",
      "Idempotency-Replayed",
      "Link",
      "Location",
      "RateLimit",
      "RateLimit-Policy",
      "Retry-After",
      "X-Request-Id",
    ],
    maxAge: 600,
  });
  return function allowOrigins(c, next) {
    // The library treats every OPTIONS as a preflight; only one with this header is (Fetch standard).
    const plainOptions =
      c.req.method === "OPTIONS" && c.req.header("Access-Control-Request-Method") === undefined;
    return plainOptions ? next() : share(c, next);
  };
}
