import { docker } from "../../scripts/shell/commands.ts";
import { freePort } from "../../test/free-port.ts";
import { API_KEY } from "../api-key.ts";
import { firstAnswer } from "../first-answer.ts";
import { requestsPerSecond, SERVICE_CORE } from "../wrk.ts";
import { imageOf } from "./build.ts";
import { type Memory, memoryOf } from "./memory.ts";
import type { Variant } from "./variants.ts";

export type Start = Memory & { firstAnswerMs: number };

/** Options for the container of every variant, instead of the image's own. */
export const CONDITIONS = {
  memory: "256m",
  ready: "/health",
  endpoint: "/health",
  settleMs: 2000,
  warmUpSeconds: 1,
};

/** The time from the process's start, as the engine reports it, to the first 200; then its memory. */
export function measureStart(variant: Variant): Promise<Start> {
  return withContainer(variant, [], async ({ id, answeredAt }) => {
    await Bun.sleep(CONDITIONS.settleMs);
    const state = await docker("inspect", "--format={{.State.StartedAt}} {{.State.Pid}}", id);
    const [startedAt = "", pid] = state.split(" ");
    const firstAnswerMs = answeredAt - millisecondsOf(startedAt);
    return { firstAnswerMs, ...(await memoryOf(Number(pid))) };
  });
}

/** Requests per second of a container on one core, after a second of warm-up. */
export function measureRate(variant: Variant, seconds: number): Promise<number> {
  return withContainer(variant, [`--cpuset-cpus=${SERVICE_CORE}`], async ({ url }) => {
    await requestsPerSecond(url + CONDITIONS.endpoint, CONDITIONS.warmUpSeconds);
    return await requestsPerSecond(url + CONDITIONS.endpoint, seconds);
  });
}

type Started = { id: string; url: string; answeredAt: number };

/**
 * A container on the host's network, so that no proxy and no address translation is measured, and
 * without health checks, so that only the service runs in it.
 */
async function withContainer<T>(
  variant: Variant,
  options: readonly string[],
  use: (started: Started) => Promise<T>,
): Promise<T> {
  const port = await freePort();
  const environment = {
    ENVIRONMENT: "production",
    API_KEY,
    RATE_LIMIT: "100000000/minute",
    DATA_DIR: "/data",
    HOST: "127.0.0.1",
    PORT: String(port),
  };
  const id = await docker(
    ...["create", `--name=${imageOf(variant)}`, "--network=host", "--no-healthcheck"],
    ...["--volume=/data", `--memory=${CONDITIONS.memory}`, ...options],
    ...Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`),
    imageOf(variant),
  );
  try {
    const url = `http://127.0.0.1:${port}`;
    const [answeredAt] = await Promise.all([
      firstAnswer(url + CONDITIONS.ready, variant.name),
      docker("start", id),
    ]);
    return await use({ id, url, answeredAt });
  } finally {
    await docker("rm", "--force", "--volumes", id);
  }
}

/** An RFC 3339 time with nanoseconds, in milliseconds since 1970; `Date` would round it. */
export function millisecondsOf(time: string): number {
  const [, seconds = "", fraction = "0"] = /^([^.]+?)(?:\.(\d+))?Z$/.exec(time) ?? [];
  return Date.parse(`${seconds}Z`) + Number(`0.${fraction}`) * 1000;
}
