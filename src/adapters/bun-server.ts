import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { SECURITY_HEADERS } from "../http/edge/security-headers.ts";
import type { Fetch, ListenOptions, Server, TlsPair } from "../server/runtime.ts";
import { sendTogether } from "../server/send-together.ts";
import { createRestReader } from "../server/unread-body.ts";

const PENDING_POLL_MS = 10;

/** The most bytes of a request's line and headers that Bun accepts by default. */
const BUNS_HEAD_BYTES = 16 * 1024;

/** Bun counts no further; a longer time is no limit there. */
const BUNS_IDLE_SECONDS = 255;

const HEAD_BYTES_FLAG = "--max-http-header-size=";

/** How long an old listener stays next to its successor, so that busy connections can move. */
const RETIREMENT_MS = 5000;

/** When the start's garbage is collected: after the first requests, for which somebody waits. */
const COLLECTION_MS = 500;

/** A listener, and whether another has taken its place. */
type Generation = { server: Bun.Server<undefined>; isRetired: boolean };

/** Listens with `Bun.serve`. @throws {Error} whose `code` says why it cannot. */
export async function listen(fetch: Fetch, options: ListenOptions): Promise<Server> {
  if (options.maxHeadBytes > headBytesAtStart()) await allowHead(options.maxHeadBytes);
  const server = options.tls ? listenTls(fetch, options, options.tls) : listenPlain(fetch, options);
  // The executable starts with another policy: see scripts/build/executable.ts.
  Bun.unsafe.setJITPolicy(1);
  // By itself, Bun collects when requests have made more garbage: an idle service would keep it.
  setTimeout(() => Bun.gc(true), COLLECTION_MS).unref();
  return server;
}

function listenPlain(fetch: Fetch, options: ListenOptions): Server {
  const server = open(fetch, options);
  return {
    port: server.port ?? options.port,
    stop: () => stop(server),
    inFlight: () => server.pendingRequests,
    closeAllConnections: () => void server.stop(true),
    closeIdleConnections: () => void server.closeIdleConnections(),
  };
}

/**
 * A listener of Bun keeps its certificate for life (`reload` ignores `tls`). So a new pair gets a new
 * listener on the same port. For a moment the system distributes connections between both listeners.
 * With each answer, the old one asks its clients to connect again, and then it stops.
 *
 * A client that connects at the moment of that stop is refused, unless the system moves such
 * connections to the new listener (`net.ipv4.tcp_migrate_req` of Linux).
 */
function listenTls(fetch: Fetch, options: ListenOptions, tls: TlsPair): Server {
  refuseTakenPort(options);
  let current = begin(options.port, tls);
  const port = current.server.port ?? options.port;
  const generations = new Set([current]);

  function begin(port: number, tls: TlsPair): Generation {
    const isRetired = () => generation.isRetired;
    const server = open(fetch, { ...options, port, tls }, isRetired);
    const generation = { server, isRetired: false };
    return generation;
  }

  async function retire(generation: Generation): Promise<void> {
    generation.isRetired = true;
    await Bun.sleep(RETIREMENT_MS);
    await generation.server.stop();
    generations.delete(generation);
  }

  const servers = () => Array.from(generations, ({ server }) => server);
  return {
    port,
    stop: async () => void (await Promise.all(servers().map(stop))),
    inFlight: () => servers().reduce((sum, { pendingRequests }) => sum + pendingRequests, 0),
    closeAllConnections: () => {
      for (const server of servers()) void server.stop(true);
    },
    closeIdleConnections: () => {
      for (const server of servers()) server.closeIdleConnections();
    },
    setTls: (pair) => {
      const successor = begin(port, pair);
      void retire(current);
      current = successor;
      generations.add(successor);
    },
  };
}

/** With `reusePort`, a second instance would not fail on a used port, but take half its connections. */
function refuseTakenPort({ host, port }: ListenOptions): void {
  if (port === 0) return;
  try {
    Bun.listen({ hostname: host, port, socket: { data: () => {} } }).stop(true);
  } catch (error) {
    // Where the system has no IPv6, it does not say why; the server itself does.
    if ((error as { code?: string }).code !== undefined) throw error;
  }
}

/** @param isRetired while it returns true, each answer asks its client to connect again. */
function open(fetch: Fetch, options: ListenOptions, isRetired = () => false) {
  const { host, port, tls } = options;
  const idleSeconds =
    options.idleTimeoutSeconds > BUNS_IDLE_SECONDS ? 0 : options.idleTimeoutSeconds;
  const whenToSend = sendTogether();
  let working = 0;
  const readRest = createRestReader();
  const answer: Answer = async (request, server) => {
    working += 1;
    const peer = server.requestIP(request);
    try {
      const response = await fetch(withAbsoluteUrl(request), {
        peerAddress: peer?.address,
        endsBodies: true,
        unsent,
        settled: setImmediate,
      });
      if (isRetired()) response.headers.set("Connection", "close");
      await (readRest(request, response) ?? whenToSend(peer?.port));
      return response;
    } finally {
      working -= 1;
    }
  };
  const unsent = () => server.pendingRequests - working;
  const server = Bun.serve({
    fetch: withRequestTimeout(answer, idleSeconds, options),
    // An error that the app could not answer itself. The client gets no details.
    error: () => new Response(null, { status: 500, headers: SECURITY_HEADERS }),
    development: false,
    // Without this, outside development mode, a second instance would take half the connections.
    reusePort: tls !== undefined,
    hostname: host,
    port,
    idleTimeout: idleSeconds,
    // The app limits bodies itself, and answers with a problem.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    ...(tls && { tls }),
  });
  return server;
}

type Answer = (request: Request, server: Bun.Server<undefined>) => Response | Promise<Response>;

/** Bun treats a connection as idle even while its request is in progress. */
function withRequestTimeout(
  answer: Answer,
  idleSeconds: number,
  { requestTimeoutSeconds }: ListenOptions,
): Answer {
  if (idleSeconds >= requestTimeoutSeconds) return answer;
  return async (request, server) => {
    server.timeout(request, requestTimeoutSeconds);
    try {
      return await answer(request, server);
    } finally {
      server.timeout(request, idleSeconds);
    }
  };
}

/** The options that Bun was started with; the executable has some: see scripts/build/executable.ts. */
function headBytesAtStart(): number {
  const told = process.execArgv.find((argument) => argument.startsWith(HEAD_BYTES_FLAG));
  return told ? Number(told.slice(HEAD_BYTES_FLAG.length)) : BUNS_HEAD_BYTES;
}

/** Bun's server has no option for it, but follows the one of Node's, which takes 10 ms to load. */
async function allowHead(bytes: number): Promise<void> {
  const http: { maxHeaderSize: number } = (await import("node:http")).default;
  http.maxHeaderSize = bytes;
}

/** If a request has no usable Host, as in HTTP/1.0, its URL in Bun is only a path. */
function withAbsoluteUrl(request: Request): Request {
  return request.url.startsWith("/")
    ? new Request(`http://localhost${request.url}`, request)
    : request;
}

/**
 * Bun would also wait for connections with an incomplete request head, possibly longer than an
 * orchestrator waits.
 */
async function stop(server: Bun.Server<undefined>): Promise<void> {
  const stopped = server.stop();
  while (server.pendingRequests > 0) await Bun.sleep(PENDING_POLL_MS);
  server.stop(true);
  await stopped;
}
