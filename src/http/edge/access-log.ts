import type { Logger } from "../../telemetry/logger.ts";
import { bodyBytes } from "../answer.ts";
import type { Finish } from "./step.ts";

/**
 * Logs one line for each answered request, always at INFO: failures of the server have a line of their own
 * with the reason. The query is left out, as it may hold secrets.
 */
export function accessLog(logger: Logger): Finish {
  return function accessLog(c, request) {
    logger.info("request", {
      request_id: request.id,
      trace_id: request.trace.traceId,
      key_name: c.get("keyName"),
      method: c.req.method,
      route: request.route,
      path: c.req.path,
      status: c.res.status,
      duration_ms: Math.round((performance.now() - request.arrivedAt) * 1000) / 1000,
      bytes: bodyBytes(c),
      client_address: request.clientAddress,
    });
  };
}
