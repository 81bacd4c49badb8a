import type { Metrics } from "../telemetry/metrics.ts";
import type { Observe } from "./observed-store.ts";

/** Tells how long each operation of a store takes, whether it succeeds or fails. */
export function timeOperations(metrics: Metrics): Observe {
  return async function timeOperations(operation, work) {
    const begunAt = performance.now();
    try {
      return await work();
    } finally {
      metrics.storeOperationEnded(operation, (performance.now() - begunAt) / 1000);
    }
  };
}
