import type { Container, Probe } from "./objects.ts";
import { pause } from "./pause.ts";

/** What an answer that is too late gets to say so itself. */
const GRACE_MS = 100;

/** A container's answers to its probes. */
export type ProbeEvents = {
  /** The startup probe has passed: the other two begin. */
  started: () => void;
  ready: (isReady: boolean) => void;
  /** The container has to be restarted. */
  failed: (probe: "startup" | "liveness", why: string) => void;
};

export type Probed = { id: string; ip: string; container: Container };

/** Probes a container until the signal, with the defaults of Kubernetes. */
export async function watchProbes(
  probed: Probed,
  events: ProbeEvents,
  signal: AbortSignal,
): Promise<void> {
  const { startupProbe, livenessProbe, readinessProbe } = probed.container;
  if (startupProbe) {
    const failure = await firstPass(probed, startupProbe, signal);
    if (signal.aborted) return;
    if (failure) return events.failed("startup", failure);
  }
  events.started();
  if (!readinessProbe) events.ready(true);
  await Promise.all([
    livenessProbe &&
      repeat(probed, livenessProbe, signal, (isUp, why) => isUp || events.failed("liveness", why)),
    readinessProbe && repeat(probed, readinessProbe, signal, (isUp) => events.ready(isUp)),
  ]);
}

/** Resolves when a probe passes for the first time; with the reason, if it fails too often before. */
async function firstPass(
  probed: Probed,
  probe: Probe,
  signal: AbortSignal,
): Promise<string | undefined> {
  await pause((probe.initialDelaySeconds ?? 0) * 1000, signal);
  let why: string | undefined = "";
  for (let left = probe.failureThreshold ?? 3; left > 0 && !signal.aborted; left -= 1) {
    why = await ask(probed, probe);
    if (why === undefined) return undefined;
    await pause((probe.periodSeconds ?? 10) * 1000, signal);
  }
  return why;
}

/** Reports each pass, and each failure from the number on that the probe names. */
async function repeat(
  probed: Probed,
  probe: Probe,
  signal: AbortSignal,
  report: (isUp: boolean, why: string) => void,
): Promise<void> {
  await pause((probe.initialDelaySeconds ?? 0) * 1000, signal);
  let failures = 0;
  while (!signal.aborted) {
    const why = await ask(probed, probe);
    failures = why === undefined ? 0 : failures + 1;
    if (signal.aborted) return;
    if (why === undefined) report(true, "");
    else if (failures >= (probe.failureThreshold ?? 3)) report(false, why);
    await pause((probe.periodSeconds ?? 10) * 1000, signal);
  }
}

/** @returns why a probe fails; `undefined` when it passes. */
async function ask(probed: Probed, probe: Probe): Promise<string | undefined> {
  const limitMs = (probe.timeoutSeconds ?? 1) * 1000;
  const { httpGet, exec } = probe;
  if (httpGet) return await inTime(limitMs, askByHttp(probed, httpGet, limitMs));
  if (exec) return await inTime(limitMs, askByCommand(probed, exec.command, limitMs));
  return `the stand-in does not know this kind of probe: ${JSON.stringify(probe)}`;
}

/** Goes on, whatever the answer does: one that never ends would end the probes. */
async function inTime<T>(limitMs: number, answer: Promise<T>): Promise<T | string> {
  const late = Bun.sleep(limitMs + GRACE_MS).then(() => `no answer within ${limitMs} ms`);
  return await Promise.race([answer, late]);
}

async function askByHttp(
  { ip, container }: Probed,
  { port, path = "/", scheme = "HTTP", httpHeaders = [] }: NonNullable<Probe["httpGet"]>,
  limitMs: number,
): Promise<string | undefined> {
  const url = `${scheme.toLowerCase()}://${ip}:${portOf(container, port)}${path}`;
  try {
    const { status } = await fetch(url, {
      headers: httpHeaders.map(({ name, value }): [string, string] => [name, value]),
      redirect: "manual",
      keepalive: false,
      tls: { rejectUnauthorized: false },
      signal: AbortSignal.timeout(limitMs),
    });
    return status < 400 ? undefined : `${path} answers ${status}`;
  } catch (error) {
    return `${path}: ${error}`;
  }
}

async function askByCommand(
  { id }: Probed,
  command: readonly string[],
  limitMs: number,
): Promise<string | undefined> {
  const child = Bun.spawn(["docker", "exec", id, ...command], {
    stdio: ["ignore", "ignore", "ignore"],
    timeout: limitMs,
  });
  const status = await child.exited;
  return status === 0 ? undefined : `${command[0]} ends with ${status}`;
}

/** The number of a port that may be given by its name. */
export function portOf({ ports = [] }: Container, port: number | string): number {
  if (typeof port === "number") return port;
  const found = ports.find(({ name }) => name === port);
  if (!found) throw new Error(`the container has no port called ${port}`);
  return found.containerPort;
}
