import type { Metrics } from "../telemetry/metrics.ts";
import type { Observe } from "./observed-store.ts";

/** Reports how long each operation on books takes, whether it succeeds or fails. A ping is none. */
export function timeOperations(metrics: Metrics): Observe {
  return async function timeOperations(operation, work) {
    if (operation === "ping") return work();
    const begunAt = performance.now();
    try {
      return await work();
    } finally {
      const seconds = (performance.now() - begunAt) / 1000;
      metrics.storeOperationEnded({ resource: "books", operation }, seconds);
    }
  };
}
