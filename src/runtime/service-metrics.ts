import type { AppMetrics } from "../app.ts";
import type { Clock } from "../clock.ts";
import { checkDatabase } from "../health/routes.ts";
import { createRecorder } from "../metrics/recorder.ts";
import type { Expose } from "../metrics/routes.ts";
import type { OpenStore } from "./stores.ts";

/** The metrics of a service on a store. */
export function createServiceMetrics(
  { store, poolUse }: Pick<OpenStore, "store" | "poolUse">,
  clock: Clock,
): AppMetrics {
  const recorder = createRecorder(clock);
  const isDatabaseUp = async () => (await checkDatabase(() => store.ping())) === "ok";
  let exposition: Promise<Expose> | undefined;
  return {
    ...recorder,
    // Loaded when it is first asked for: the library takes 15 ms, and most of 40 to start is enough.
    expose: async (type) => {
      exposition ??= import("./prometheus.ts").then(({ createExposition }) =>
        createExposition({ records: recorder.records, isDatabaseUp, poolUse }),
      );
      return (await exposition)(type);
    },
  };
}
