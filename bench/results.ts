import type { Machine } from "./machine.ts";
import type { Effort, Measurement } from "./rounds.ts";

/** All that a run has found. */
export type Results = {
  date: string;
  commit: string;
  machine: Machine;
  effort: Effort;
  workloads: { id: string; title: string; measurements: Measurement[] }[];
  /** Peers that were not measured, and why. */
  missing: { name: string; reason: string }[];
};
