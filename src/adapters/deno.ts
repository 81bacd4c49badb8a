import { createHash } from "node:crypto";
import { runProgram } from "../cli/program.ts";
import { SECURITY_HEADERS } from "../http/edge/security-headers.ts";
import { createInFlight } from "../server/drain.ts";
import type { Fetch, ListenOptions, Server } from "../server/runtime.ts";
import { createRestReader } from "../server/unread-body.ts";

/** Deno's description of a connection; one on a Unix socket has no address. */
type ConnectionInfo = { remoteAddr: { hostname?: string } };

/** The part of Deno's own API that is used here (https://docs.deno.com/api/deno/~/Deno.serve). */
declare const Deno: {
  serve(
    options: {
      hostname: string;
      port: number;
      signal: AbortSignal;
      cert?: string;
      key?: string;
      onListen: () => void;
    },
    handler: (request: Request, info: ConnectionInfo) => Promise<Response>,
  ): { addr: { port: number }; shutdown(): Promise<void> };
};

const REFUSAL = { status: 503, headers: { ...SECURITY_HEADERS, Connection: "close" } };

const LOOKUP_FAILED = "failed to lookup address information";

/**
 * Deno's own shutdown cuts off the bodies of requests in flight, and without it a port cannot be
 * closed. So new requests are refused until the others are answered; then comes the shutdown. After an
 * answer with `Connection: close`, Deno reads no further request and waits for the client to close. Its
 * shutdown waits for connections in their TLS handshake.
 */
function listen(fetch: Fetch, { host, port, tls }: ListenOptions): Server {
  const inFlight = createInFlight();
  const readRest = createRestReader();
  let stopping = false;
  let shuttingDown = false;

  async function answer(request: Request, { remoteAddr }: ConnectionInfo): Promise<Response> {
    if (stopping) return new Response(null, REFUSAL);
    inFlight.begin();
    try {
      const connection = { peerAddress: remoteAddr.hostname, endsBodies: true };
      const response = await fetch(request, connection);
      await readRest(request, response);
      return response;
    } finally {
      inFlight.end();
    }
  }

  const cutting = new AbortController();
  const { signal } = cutting;
  const server = serve({ hostname: host, port, signal, ...tls, onListen: () => {} }, answer);

  async function stop(): Promise<void> {
    stopping = true;
    await inFlight.none();
    shuttingDown = true;
    await server.shutdown();
  }

  return {
    port: server.addr.port,
    stop,
    inFlight: inFlight.count,
    closeAllConnections: () => {
      // An abort fails during a shutdown: only the end of the process can stop that.
      if (!shuttingDown) cutting.abort();
    },
  };
}

/** Like Deno's own, but every failure has a code. */
const serve: typeof Deno.serve = (options, handler) => {
  try {
    return Deno.serve(options, handler);
  } catch (error) {
    const failure = error as Error & { code?: string };
    throw Object.assign(failure, { code: failure.code ?? codeOf(failure) });
  }
};

/** Deno has no code for an address that cannot be looked up, or for a missing permission. */
function codeOf(failure: Error): string {
  return failure.message.startsWith(LOOKUP_FAILED) ? "ENOTFOUND" : String(failure);
}

await runProgram({ listen, sha256: (text) => createHash("sha256").update(text).digest("hex") });
