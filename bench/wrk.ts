import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The core of the measured service, and the core of wrk. */
export const SERVICE_CORE = "0";
const WRK_CORE = "1";

/**
 * Sends requests over 32 connections, from a separate core. Needs wrk and taskset.
 *
 * @throws {Error} if any answer is not a 2xx or 3xx.
 */
export async function requestsPerSecond(
  url: string,
  seconds: number,
  init: RequestInit = {},
): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "thimble-wrk-"));
  try {
    const script = join(directory, "request.lua");
    await Bun.write(script, luaRequest(init));
    const command = ["wrk", "-t1", "-c32", `-d${seconds}s`, "-s", script, url];
    const wrk = Bun.spawn(["taskset", "-c", WRK_CORE, ...command], { stdout: "pipe" });
    const report = await new Response(wrk.stdout).text();
    if ((await wrk.exited) !== 0) throw new Error("wrk failed");
    return rateOf(report);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function luaRequest(init: RequestInit): string {
  const headers = Object.entries((init.headers ?? {}) as Record<string, string>);
  return [
    `wrk.method = "${init.method ?? "GET"}"`,
    ...headers.map(([name, value]) => `wrk.headers["${name}"] = "${value}"`),
    `wrk.body = ${init.body === undefined ? "nil" : JSON.stringify(init.body)}`,
  ].join("\n");
}

/** The rate in wrk's report. @throws {Error} if it counts any answer as wrong. */
export function rateOf(report: string): number {
  if (/Non-2xx/.test(report)) throw new Error(`wrk counts wrong answers:\n${report}`);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(report)?.[1];
  if (rate === undefined) throw new Error(`wrk's report has no rate:\n${report}`);
  return Number(rate);
}
