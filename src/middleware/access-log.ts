import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";
import type { Logger } from "../logger.ts";

/** One line a request, once it is answered. The query is left out: it may hold what nobody should log. */
export function accessLog(logger: Logger): MiddlewareHandler<AppEnv> {
  return async function accessLog(c, next) {
    const started = performance.now();
    await next();
    logger.info("request", {
      request_id: c.get("requestId"),
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      key_name: c.get("keyName"),
      duration_ms: Math.round((performance.now() - started) * 1000) / 1000,
    });
  };
}
