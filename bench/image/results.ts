import type { Machine, Versions } from "../machine.ts";
import type { Contents } from "./contents.ts";
import type { CONDITIONS } from "./run.ts";

/** The measurements of a variant. Sizes and memory are in bytes. */
export type Result = {
  name: string;
  description: string;
  uncompressed: number;
  contents: Contents;
  buildSeconds: { cold: number; warm: number };
  firstAnswerMs: number;
  idle: { anon: number; shmem: number };
  requestsPerSecond: number;
  /** Its base images that were built on this machine, not pulled from a registry. */
  localBases: string[];
};

/** How often and for how long to measure. */
export type Effort = { starts: number; turns: number; secondsPerTurn: number };

export type Results = {
  date: string;
  command: string;
  quick: boolean;
  revision: string;
  machine: Machine & { loadBefore: number };
  versions: Versions;
  effort: Effort;
  conditions: typeof CONDITIONS;
  compression: { gzipLevel: number; zstdLevel: number };
  results: Result[];
};

/** Those that the README compares, in its order and its words. The others are in docs/benchmarks.md. */
const README_VARIANTS = {
  tiny: "launcher, scratch",
  standard: "scratch",
  go: "`net/http`, scratch",
  node: "bundle, Debian slim",
  flask: "gunicorn, Debian slim",
};

export function readmeResults({ results }: Results): Result[] {
  return Object.entries(README_VARIANTS).flatMap(([name, description]) =>
    results.filter((result) => result.name === name).map((result) => ({ ...result, description })),
  );
}

/** The image that Thimble replaces, with its published figures; they were not measured here. */
export const FLASK = {
  name: "Flask",
  description: "What Thimble replaces, as published",
  uncompressed: 75_200_000,
  firstAnswerMs: 3000,
};
