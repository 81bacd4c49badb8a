import { type Connection, connect, requestBytes } from "./connection.ts";

type OpenLoopOptions = {
  url: string;
  init?: RequestInit;
  /** How many requests are planned for each second, whether or not earlier ones are answered. */
  perSecond: number;
  seconds: number;
  connections: number;
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
  const { url, init, perSecond, seconds, patienceMs = Number.POSITIVE_INFINITY } = options;
  const request = requestBytes(url, init);
  const all = await Promise.all(Array.from({ length: options.connections }, () => connect(url)));
  const free: Connection[] = [...all];
  const planned = Math.round(perSecond * seconds);
  const outcome: OpenLoopResult = {
    planned,
    latencies: [],
    refused: 0,
    lost: 0,
    elapsedSeconds: 0,
  };
  const startedAt = performance.now();
  const plannedAt = (index: number) => startedAt + (index * 1000) / perSecond;
  let [next, done, open] = [0, 0, all.length];

  function sendDue(): void {
    const now = performance.now();
    while (next < planned && plannedAt(next) <= now) {
      const at = plannedAt(next);
      const connection = free.pop();
      if (!connection && patienceMs === Number.POSITIVE_INFINITY) return;
      next += 1;
      if (connection) send(connection, at);
      else finish(0, 0);
    }
  }

  function send(connection: Connection, at: number): void {
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
    if (open === 0) throw new Error(`${url} has closed every connection`);
    sendDue();
    await new Promise(setImmediate);
  }
  outcome.elapsedSeconds = (performance.now() - startedAt) / 1000;
  for (const connection of all) connection.close();
  return outcome;
}
