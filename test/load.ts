import { openConnection, type RawAnswer, type RawConnection } from "./reverse-proxy.ts";

/** How often it looks which requests are due. */
const TICK_MS = 5;
/** An answer that takes longer has failed: clients give up earlier. */
const ANSWER_LIMIT_MS = 20_000;
/** One request in this number is a write. */
const WRITE_SHARE = 8;

export type LoadOptions = {
  /** Where the service answers, over plain HTTP. */
  port: number;
  /** The machine; by default this one. */
  address?: string;
  /** The name that clients ask for. */
  host?: string;
  /** Requests that start in each second, whether or not earlier ones are answered. */
  perSecond: number;
  /** Paths that answer a GET with 200, asked for in turn. */
  reads: readonly string[];
  /** What is added, if anything: a 201 whose body has an `id` acknowledges it. */
  writes?: { path: string; apiKey: string; entry: (label: string) => object } | undefined;
};

/** What clients got so far. */
export type Load = {
  sent: number;
  answered: number;
  /** Every request without the right answer: when that was, what it asked for, and what came. */
  failures: string[];
  /** Labels of the acknowledged entries, by id. */
  added: Map<number, string>;
};

type Planned = { method: "GET" | "POST"; path: string; text: string; label?: string };

/**
 * Starts clients that send requests at a constant rate (an open loop), reads and some writes, over connections
 * that are kept alive. They repeat nothing, so a request that a release, a proxy or a network loses is counted.
 * `finish` stops them, and resolves when every request has its answer or has failed.
 */
export function startLoad(options: LoadOptions) {
  const load: Load = { sent: 0, answered: 0, failures: [], added: new Map() };
  const idle: RawConnection[] = [];
  const inFlight = new Set<Promise<void>>();
  const startedAt = performance.now();
  const elapsedMs = () => performance.now() - startedAt;
  const fail = ({ method, path }: Planned, what: unknown) =>
    void load.failures.push(`${(elapsedMs() / 1000).toFixed(1)} s: ${method} ${path}: ${what}`);

  async function send(request: Planned): Promise<void> {
    try {
      const { status, body } = await ask(request.text);
      load.answered += 1;
      if (status !== (request.label === undefined ? 200 : 201)) fail(request, `${status} ${body}`);
      else if (request.label !== undefined) load.added.set(JSON.parse(body).id, request.label);
    } catch (error) {
      fail(request, error);
    }
  }

  async function ask(text: string): Promise<RawAnswer> {
    const connection = takeIdle(idle) ?? (await openConnection(options.port, options.address));
    const timer = setTimeout(() => connection.close(), ANSWER_LIMIT_MS);
    try {
      const answer = await connection.ask(text);
      if (answer.isLast) connection.close();
      else idle.push(connection);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  const timer = setInterval(() => {
    const due = Math.floor((elapsedMs() * options.perSecond) / 1000);
    while (load.sent < due) {
      const sending = send(plan(options, load.sent)).finally(() => inFlight.delete(sending));
      inFlight.add(sending);
      load.sent += 1;
    }
  }, TICK_MS);

  return {
    load,
    finish: async (): Promise<Load> => {
      clearInterval(timer);
      await Promise.all(inFlight);
      for (const connection of idle) connection.close();
      return load;
    },
  };
}

/** The one that has been idle the longest, so that each is used often. */
function takeIdle(idle: RawConnection[]): RawConnection | undefined {
  for (;;) {
    const connection = idle.shift();
    if (!connection?.ended()) return connection;
  }
}

function plan({ host = "localhost", reads, writes }: LoadOptions, turn: number): Planned {
  if (writes && turn % WRITE_SHARE === 0) {
    const { path, apiKey, entry } = writes;
    const label = `Entry ${turn} of a load`;
    const body = JSON.stringify(entry(label));
    const head = [
      ...[`POST ${path} HTTP/1.1`, `Host: ${host}`, `X-API-Key: ${apiKey}`],
      ...["Content-Type: application/json", `Content-Length: ${Buffer.byteLength(body)}`],
    ];
    return { method: "POST", path, label, text: `${head.join("\r\n")}\r\n\r\n${body}` };
  }
  const path = reads[turn % reads.length] ?? "/";
  return { method: "GET", path, text: `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n` };
}
