import type { MiddlewareHandler } from "hono";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { AppEnv } from "../env.ts";
import { KNOWN_METHODS, routeTemplate } from "../labels.ts";

/** One label for all values that a client can choose freely, so that it cannot make series without end. */
const OTHER = "other";

/** Counts every request and how long it took until its response was returned. */
export function requestMetrics(metrics: Metrics): MiddlewareHandler<AppEnv> {
  return async function requestMetrics(c, next) {
    const begunAt = performance.now();
    metrics.requestBegan();
    await next();
    const { method } = c.req;
    const request = {
      method: KNOWN_METHODS.has(method) ? method : OTHER,
      route: routeTemplate(c) ?? OTHER,
      status: c.res.status,
    };
    metrics.requestEnded(request, (performance.now() - begunAt) / 1000);
  };
}
