import type { MiddlewareHandler } from "hono";
import type { Logger } from "../../telemetry/logger.ts";
import type { AppEnv } from "../env.ts";
import { routeTemplate } from "../labels.ts";
import { bodyBytes, countBodyBytes } from "./response-bytes.ts";

/**
 * One line a request, once it is answered, at INFO whatever the answer: what failed on the server's side
 * has a line of its own that says why. The query is left out: it may hold what nobody should log.
 */
export function accessLog(logger: Logger): MiddlewareHandler<AppEnv> {
  return async function accessLog(c, next) {
    const started = performance.now();
    countBodyBytes(c);
    await next();
    logger.info("request", {
      request_id: c.var.requestId,
      trace_id: c.var.trace?.traceId,
      key_name: c.var.keyName,
      method: c.req.method,
      route: routeTemplate(c),
      path: c.req.path,
      status: c.res.status,
      duration_ms: Math.round((performance.now() - started) * 1000) / 1000,
      bytes: bodyBytes(c),
      client_address: c.var.clientAddress,
    });
  };
}
