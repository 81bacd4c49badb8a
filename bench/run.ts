import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { version } from "../package.json" with { type: "json" };
import { build } from "../scripts/build/executable.ts";
import { outputOf } from "../scripts/shell/commands.ts";
import { serviceOf } from "./contenders.ts";
import { describeMachine, requireMachine } from "./machine.ts";
import type { Part } from "./parts.ts";
import { type Peer, preparePeers } from "./peers.ts";
import { progress } from "./progress.ts";
import type { Results } from "./results.ts";
import type { Effort } from "./rounds.ts";
import { CLIENT_CORE } from "./wrk.ts";

const PROGRAM = "dist/thimble";

export type RunOptions = {
  parts: readonly Part[];
  peers: readonly Peer[];
  effort: Effort;
  isLong: boolean;
  /** An executable to measure instead of building one. */
  program: string | undefined;
};

/** Builds what is missing, and measures one part after the other. @throws {Error} if a tool is missing. */
export async function runParts(options: RunOptions): Promise<Results> {
  requireMachine(["wrk", "taskset", "gcc"]);
  const directory = mkdtempSync(join(tmpdir(), "thimble-bench-"));
  try {
    return await measureParts(options, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureParts(options: RunOptions, directory: string): Promise<Results> {
  const program = options.program ?? (await buildProgram());
  const peers = await preparePeers(options.peers, directory);
  for (const { name, reason } of peers.missing) progress(`without ${name}: ${reason}`);
  await moveToClientCore();
  const results: Results = {
    date: new Date().toISOString().slice(0, 10),
    commit: await outputOf("git", "rev-parse", "--short", "HEAD"),
    machine: describeMachine(),
    effort: options.effort,
    workloads: [],
    missing: peers.missing,
  };
  const service = serviceOf(resolve(program), version);
  const { effort, isLong } = options;
  const bench = { service, peers: peers.contenders, directory, effort, isLong };
  for (const { title, measure } of options.parts) {
    progress(title);
    await measure(bench, results);
  }
  return results;
}

async function buildProgram(): Promise<string> {
  progress("build");
  await build(PROGRAM);
  return PROGRAM;
}

/** Moves this process to the core of wrk, and with it everything that it starts, such as PostgreSQL. */
async function moveToClientCore(): Promise<void> {
  await outputOf("taskset", "--all-tasks", "--pid", "--cpu-list", CLIENT_CORE, String(process.pid));
}
