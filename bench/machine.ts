import { readFileSync } from "node:fs";
import { arch, cpus, release, totalmem } from "node:os";
import { docker } from "../scripts/shell/commands.ts";

export type Machine = {
  cpu: string;
  cores: number;
  memoryGiB: number;
  architecture: string;
};
export type Versions = { linux: string; engine: string; bun: string; wrk: string };

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    architecture: arch(),
  };
}

export async function readVersions(): Promise<Versions> {
  return {
    linux: /^\d+\.\d+/.exec(release())?.[0] ?? "unknown",
    engine: await docker("version", "--format={{.Server.Version}}"),
    bun: Bun.version,
    wrk: /^wrk (?:debian\/)?(\S+)/.exec(outputOf("wrk", "-v"))?.[1] ?? "unknown",
  };
}

/** The machine's load over the last minute, from other work than the benchmark. */
export function loadAverage(): number {
  return Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
}

function outputOf(...command: string[]): string {
  const { stdout, stderr } = Bun.spawnSync(command);
  return `${stdout}${stderr}`;
}

/** Debian's packages of the tools that benchmarks use. */
const PACKAGES = {
  wrk: "wrk",
  taskset: "util-linux",
  chrt: "util-linux",
  tar: "tar",
  nice: "coreutils",
  gcc: "gcc",
};

/** @throws {Error} if this machine lacks Linux, a core for wrk only, or one of these tools. */
export function requireMachine(
  tools: readonly (keyof typeof PACKAGES)[],
  has = (tool: string) => Bun.which(tool) !== null,
): void {
  if (process.platform !== "linux")
    throw new Error(`the benchmark needs Linux, not ${process.platform}`);
  if (cpus().length < 2)
    throw new Error("the benchmark needs two cores, one for wrk; this machine has one");
  const missing = tools.find((tool) => !has(tool));
  if (missing === undefined) return;
  throw new Error(`there is no \`${missing}\`; install Debian's package ${PACKAGES[missing]}`);
}
