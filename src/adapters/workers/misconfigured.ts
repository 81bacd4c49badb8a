import { Hono } from "hono";
import { DomainError } from "../../errors.ts";
import type { AppEnv } from "../../http/env.ts";
import { requestId } from "../../http/middleware/request-id.ts";
import { securityHeaders } from "../../http/middleware/security-headers.ts";
import { traceContext } from "../../http/middleware/trace-context.ts";
import { problemResponse } from "../../http/problem.ts";
import type { Logger } from "../../telemetry/logger.ts";

type MisconfiguredDeps = { problems: readonly string[]; logger: Logger };

/**
 * Replaces the service if its configuration is wrong, because a Worker cannot refuse to start: every
 * request gets a 503, and a line in the log with the reason.
 */
export function createMisconfiguredApp({ problems, logger }: MisconfiguredDeps) {
  const app = new Hono<AppEnv>();
  app.use(requestId());
  app.use(traceContext());
  app.use(securityHeaders());
  app.all("*", (c) => {
    const ids = { request_id: c.var.requestId, trace_id: c.var.trace?.traceId };
    logger.error("the configuration cannot work", { ...ids, problems });
    const message = "The service is not configured; its log says why.";
    return problemResponse(c, new DomainError("not_configured", message));
  });
  return app;
}
