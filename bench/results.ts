import type { EnduranceMeasurement } from "./endurance.ts";
import type { Machine } from "./machine.ts";
import type { LatencyMeasurement, OverloadMeasurement } from "./overload.ts";
import type { Effort, Measurement } from "./rounds.ts";
import type { StartMeasurement } from "./start-up.ts";
import type { WriteMeasurement } from "./writes.ts";

/** All that a run has found. A part that it left out is missing. */
export type Results = {
  date: string;
  commit: string;
  machine: Machine;
  effort: Effort;
  workloads: { id: string; title: string; measurements: Measurement[] }[];
  latency?: LatencyMeasurement[];
  overload?: OverloadMeasurement[];
  writes?: WriteMeasurement[];
  memory?: EnduranceMeasurement[];
  start?: StartMeasurement[];
  /** Peers that were not measured, and why. */
  missing: { name: string; reason: string }[];
};
