import type { Metrics } from "../../telemetry/metrics.ts";
import { KNOWN_METHODS } from "../labels.ts";
import type { Finish } from "./step.ts";

/** One label for all values that a client can choose freely, so that it cannot make series without end. */
const OTHER = "other";

/** Counts every answer and how long it took. */
export function requestMetrics(metrics: Metrics): Finish {
  return function requestMetrics(c, { arrivedAt, route }) {
    const { method } = c.req;
    const request = {
      method: KNOWN_METHODS.has(method) ? method : OTHER,
      route: route ?? OTHER,
      status: c.res.status,
    };
    metrics.requestEnded(request, (performance.now() - arrivedAt) / 1000);
  };
}
