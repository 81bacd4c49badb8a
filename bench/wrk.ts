import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The core of the measured service, and the core of everything that talks to it. */
export const SERVICE_CORE = "0";
export const CLIENT_CORE = "1";

const CONNECTIONS = 32;

type LoadOptions = { url: string; seconds: number; connections?: number; init?: RequestInit };

/** What wrk reports. */
export type Load = { requests: number; perSecond: number };

/**
 * Sends requests from a separate core, each connection its next one after the last answer. Needs wrk and taskset.
 *
 * @throws {Error} if any answer is not a 2xx or 3xx.
 */
export async function sendLoad(options: LoadOptions): Promise<Load> {
  const { url, seconds, connections = CONNECTIONS, init = {} } = options;
  const directory = mkdtempSync(join(tmpdir(), "thimble-wrk-"));
  try {
    const script = join(directory, "request.lua");
    await Bun.write(script, luaRequest(init));
    const command = ["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, url];
    const wrk = Bun.spawn(["taskset", "-c", CLIENT_CORE, ...command], { stdout: "pipe" });
    const report = await new Response(wrk.stdout).text();
    if ((await wrk.exited) !== 0) throw new Error("wrk failed");
    return loadOf(report);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The same, when only the rate matters. */
export async function requestsPerSecond(
  url: string,
  seconds: number,
  init: RequestInit = {},
): Promise<number> {
  const { perSecond } = await sendLoad({ url, seconds, init });
  return perSecond;
}

/** The script that gives wrk a request. */
export function luaRequest(init: RequestInit): string {
  const headers = Object.entries((init.headers ?? {}) as Record<string, string>);
  return [
    `wrk.method = "${init.method ?? "GET"}"`,
    ...headers.map(([name, value]) => `wrk.headers["${name}"] = ${JSON.stringify(value)}`),
    `wrk.body = ${init.body === undefined ? "nil" : JSON.stringify(init.body)}`,
  ].join("\n");
}

/** What wrk's report says. @throws {Error} if it counts any answer as wrong. */
export function loadOf(report: string): Load {
  if (/Non-2xx|Socket errors/.test(report)) throw new Error(`wrk counts wrong answers:\n${report}`);
  const requests = /(\d+) requests in/.exec(report)?.[1];
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(report)?.[1];
  if (requests === undefined || rate === undefined)
    throw new Error(`wrk's report has no rate:\n${report}`);
  return { requests: Number(requests), perSecond: Number(rate) };
}
