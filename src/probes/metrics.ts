import { Hono, type MiddlewareHandler } from "hono";
import { accepts } from "hono/accepts";
import { answer, answerJson } from "../http/answer.ts";
import type { AppEnv } from "../http/env.ts";
import type { Records } from "../telemetry/metrics.ts";
import { rfc3339 } from "../time.ts";

/** The formats that Prometheus and its kin read, by media type. */
const EXPOSITION_TYPES = {
  "text/plain": "text/plain; version=0.0.4; charset=utf-8",
  "application/openmetrics-text": "application/openmetrics-text; version=1.0.0; charset=utf-8",
} as const;
export type ExpositionType = keyof typeof EXPOSITION_TYPES;

/** Writes all there is to show in a format. */
export type Expose = (type: ExpositionType) => Promise<string>;

type MetricsRoutesDeps = { records: Records; expose: Expose; access: MiddlewareHandler };

const JSON_TYPE = "application/json";
const SUPPORTED = ["text/plain", "application/openmetrics-text", JSON_TYPE] as const;

/**
 * `GET /metrics` for operators: in the text format of Prometheus, or as Accept asks in OpenMetrics 1.0
 * (https://prometheus.io/docs/specs/om/open_metrics_spec/) or as four numbers of JSON. It is for those
 * who run the service and no part of its API, so it is not in the OpenAPI document.
 */
export function metricsRoutes({ records, expose, access }: MetricsRoutesDeps) {
  return new Hono<AppEnv>().get("/metrics", access, async (c) => {
    const type = accepts(c, {
      header: "Accept",
      supports: [...SUPPORTED],
      default: "text/plain",
    }) as (typeof SUPPORTED)[number];
    const headers = { "Cache-Control": "no-store", Vary: "Accept" };
    if (type === JSON_TYPE) return answerJson(c, summary(records), 200, headers);
    return answer(c, await expose(type), 200, {
      ...headers,
      "Content-Type": EXPOSITION_TYPES[type],
    });
  });
}

function summary({ requests, startedAt }: Records) {
  let [total, failed] = [0, 0];
  for (const { labels, durations } of requests()) {
    total += durations.count;
    if (labels.status >= 400) failed += durations.count;
  }
  return {
    requests_total: total,
    requests_success: total - failed,
    requests_failed: failed,
    startup_time: rfc3339(startedAt),
  };
}
