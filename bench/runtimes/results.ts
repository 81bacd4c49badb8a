import type { Machine } from "../machine.ts";
import type { ContractResult } from "./contract.ts";

export type Measurement = {
  runtime: string;
  version: string;
  /** Medians. */
  firstAnswerMs: number;
  healthPerSecond: number;
  bookPerSecond: number;
};

export type Results = {
  date: string;
  /** The commit that was measured. */
  revision: string;
  machine: Machine;
  effort: { starts: number; turns: number; secondsPerTurn: number };
  contracts: ContractResult[];
  measurements: Measurement[];
};
