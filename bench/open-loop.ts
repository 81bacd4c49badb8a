import { type Connection, connect, requestBytes } from "./connection.ts";

export type OpenLoopOptions = {
  /** Of several addresses each gets a request in turn, as from a load balancer. */
  url: string | readonly string[];
  init?: RequestInit;
  /** How many requests are planned for each second, whether or not earlier ones are answered. */
  perSecond: number;
  seconds: number;
  /** To each address. */
  connections: number;
  /** Numbers from 0 to 1: requests come at random (a Poisson process). By default the gaps are equal. */
  random?: () => number;
  /**
   * Clients that give up what is not answered within this time, or at once if no connection is free. By default
   * they wait for everything.
   */
  patienceMs?: number;
};

/** What became of the planned requests. */
export type OpenLoopResult = {
  planned: number;
  /** Milliseconds from the planned start to each 2xx that came in time, in order. */
  latencies: number[];
  /** Answers with another status. */
  refused: number;
  /** No answer, or too late. */
  lost: number;
  /** From the first request to the last answer. */
  elapsedSeconds: number;
};

type Target = { request: Uint8Array; free: Connection[] };

/**
 * Sends requests at a constant rate, like many clients that know nothing of each other. Latency counts from the
 * planned time: where the service makes one request wait, those after it wait too, and count so (no coordinated
 * omission).
 *
 * It spins, so that it sends in time; it needs a core for itself.
 *
 * @throws {Error} if the server closes every connection.
 */
export async function openLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const { url, perSecond, seconds, random, patienceMs = Number.POSITIVE_INFINITY } = options;
  const targets = await Promise.all([url].flat().map((each) => openTarget(each, options)));
  const all = targets.flatMap(({ free }) => free);
  const planned = Math.round(perSecond * seconds);
  const outcome: OpenLoopResult = {
    planned,
    latencies: [],
    refused: 0,
    lost: 0,
    elapsedSeconds: 0,
  };
  const startedAt = performance.now();
  const gapMs = () => (random ? -Math.log(1 - random()) : 1) * (1000 / perSecond);
  let [next, nextAt, done, open] = [0, startedAt, 0, all.length];

  function sendDue(): void {
    const now = performance.now();
    while (next < planned && nextAt <= now) {
      const target = targets[next % targets.length];
      const connection = target?.free.pop();
      if (!connection && patienceMs === Number.POSITIVE_INFINITY) return;
      if (target && connection) send(target, connection, nextAt);
      else finish(0, 0);
      next += 1;
      nextAt += gapMs();
    }
  }

  function send({ request, free }: Target, connection: Connection, at: number): void {
    connection.send(request, (status) => {
      if (status === 0) open -= 1;
      else free.push(connection);
      finish(status, performance.now() - at);
    });
  }

  function finish(status: number, ms: number): void {
    done += 1;
    if (status === 0 || ms > patienceMs) outcome.lost += 1;
    else if (status >= 200 && status < 300) outcome.latencies.push(ms);
    else outcome.refused += 1;
  }

  while (done < planned) {
    if (open === 0) throw new Error(`${[url].flat().join(", ")} has closed every connection`);
    sendDue();
    await new Promise(setImmediate);
  }
  outcome.elapsedSeconds = (performance.now() - startedAt) / 1000;
  for (const connection of all) connection.close();
  return outcome;
}

async function openTarget(url: string, { init, connections }: OpenLoopOptions): Promise<Target> {
  const free = await Promise.all(Array.from({ length: connections }, () => connect(url)));
  return { request: requestBytes(url, init), free };
}
