import type { AppMetrics } from "../../app.ts";
import type { Database } from "../../database/database.ts";
import { checkDatabase } from "../../probes/health.ts";
import type { Expose } from "../../probes/metrics.ts";
import { createRecorder } from "../../telemetry/recorder.ts";
import type { Clock } from "../../time.ts";

/** The metrics of a service on a database. */
export function createServiceMetrics(
  database: Pick<Database, "ping" | "poolUse">,
  clock: Clock,
): AppMetrics {
  const recorder = createRecorder(clock);
  const isDatabaseUp = async () => (await checkDatabase(() => database.ping())) === "ok";
  let exposition: Promise<Expose> | undefined;
  return {
    ...recorder,
    // Loaded when it is first asked for: the library takes 15 ms, and most of 40 to start is enough.
    expose: async (type) => {
      exposition ??= import("./prometheus.ts").then(({ createExposition }) =>
        createExposition({ records: recorder.records, isDatabaseUp, poolUse: database.poolUse }),
      );
      return (await exposition)(type);
    },
  };
}
