import type { Machine } from "../machine.ts";

/** What one request costs, measured with one instance. Times are in seconds. */
export type MeasuredCost = {
  id: string;
  title: string;
  /** CPU time of the instance, and of PostgreSQL; 0 without it. */
  instance: number;
  database: number;
  /** How long requests took that found an idle instance: the percentiles from 0 to 99. */
  alone: number[];
  waitsForDisk: boolean;
};

/** In milliseconds, and CPU time of an instance for a request in microseconds. */
export type Figures = { p50: number; p99: number; cpu: number };

/** Instances under a constant load, and what the model says of it. */
export type Check = {
  id: string;
  instances: number;
  /** The share of time in which the busiest core or pool is busy, as the model says. */
  utilisation: number;
  perSecond: number;
  measured: Figures;
  modelled: Figures;
};

/** A book that a client has already: what it costs to say so. */
export type Saving = {
  title: string;
  /** Bytes of the answer with its head, and CPU time of the instance, in seconds. */
  bytes: { whole: number; unchanged: number };
  cpu: { whole: number; unchanged: number };
};

/** All that a run has found. */
export type Results = {
  date: string;
  commit: string;
  command: string;
  machine: Machine;
  /** How often each load was measured, and for how long. */
  rounds: number;
  seconds: number;
  costs: MeasuredCost[];
  checks: Check[];
  savings: Saving[];
};
