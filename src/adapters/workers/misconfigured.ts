import { Hono } from "hono";
import { DomainError } from "../../errors.ts";
import { answerHeaders } from "../../http/edge/answer-headers.ts";
import { edge } from "../../http/edge/edge.ts";
import { securityHeaders } from "../../http/edge/security-headers.ts";
import type { AppEnv } from "../../http/env.ts";
import { problemResponse } from "../../http/problem.ts";
import type { Logger } from "../../telemetry/logger.ts";

type MisconfiguredDeps = { problems: readonly string[]; logger: Logger };

/**
 * Replaces the service if its configuration is wrong, because a Worker cannot refuse to start: every
 * request gets a 503, and a line in the log with the reason.
 */
export function createMisconfiguredApp({ problems, logger }: MisconfiguredDeps) {
  const app = new Hono<AppEnv>();
  app.use(edge({ finishes: [securityHeaders, answerHeaders(() => false)] }));
  app.all("*", (c) => {
    const request = c.get("request");
    const ids = { request_id: request?.id, trace_id: request?.trace.traceId };
    logger.error("invalid configuration", { ...ids, problems });
    const message = "The service is not configured; its log says why.";
    return problemResponse(c, new DomainError("not_configured", message));
  });
  return app;
}
