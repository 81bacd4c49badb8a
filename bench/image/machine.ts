import { readFileSync } from "node:fs";
import { arch, cpus, release, totalmem } from "node:os";
import { docker } from "../../scripts/docker.ts";

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

/** How much runs besides the benchmark: the machine's load over the last minute. */
export function loadAverage(): number {
  return Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
}

function outputOf(...command: string[]): string {
  const { stdout, stderr } = Bun.spawnSync(command);
  return `${stdout}${stderr}`;
}

const TOOLS = { wrk: "wrk", taskset: "util-linux", tar: "tar", nice: "coreutils" };

/** What is missing on this machine, in one line; nothing where all is there. */
export function missingTools(has = (tool: string) => Bun.which(tool) !== null): string | undefined {
  if (process.platform !== "linux") return "the benchmark reads cgroups, so it needs Linux";
  if (cpus().length < 2) return "the benchmark needs two cores, one for wrk";
  const missing = Object.entries(TOOLS).find(([tool]) => !has(tool));
  return missing && `there is no \`${missing[0]}\`; Debian's package ${missing[1]} has it`;
}
