import type { MiddlewareHandler } from "hono";
import type { Logger } from "../../telemetry/logger.ts";
import { bodyBytes } from "../answer.ts";
import type { AppEnv } from "../env.ts";
import { routeTemplate } from "../labels.ts";

/**
 * Logs one line for each answered request, always at INFO: failures of the server have a line of their own
 * with the reason. The query is left out, as it may hold secrets.
 */
export function accessLog(logger: Logger): MiddlewareHandler<AppEnv> {
  return async function accessLog(c, next) {
    const started = performance.now();
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
