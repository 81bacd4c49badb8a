import { createHash } from "node:crypto";
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, type Socket, Server as TcpServer } from "node:net";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { getRequestListener } from "@hono/node-server";
import { runProgram } from "../../cli/program.ts";
import { createInFlight } from "../../server/drain.ts";
import { memoryLeft } from "../../server/memory.ts";
import type { Fetch, ListenOptions, Server, TlsPair } from "../../server/runtime.ts";
import { sendTogether } from "../../server/send-together.ts";
import { createRestReader } from "../../server/unread-body.ts";

/** The origin for the URL of a request without a usable Host, as in HTTP/1.0. */
const HOSTNAME = "localhost";

const SQLITE_WARNING = "SQLite is an experimental feature";

/** How often to look for requests that take too long to arrive. */
const SLOW_REQUEST_POLL_MS = 1000;

async function listen(fetch: Fetch, options: ListenOptions): Promise<Server> {
  const { host, port, tls } = options;
  let working = 0;
  const whenToSend = sendTogether();
  const readRest = createRestReader();
  const answer = getRequestListener(
    async (request, { incoming }) => {
      working += 1;
      try {
        const response = await fetch(request, {
          peerAddress: incoming.socket?.remoteAddress,
          endsBodies: true,
          unsent,
          settled: twoTurns,
        });
        // A client that waits for `100 Continue` sends nothing that would have to be read.
        const isWaiting = incoming.headers.expect !== undefined;
        await ((isWaiting ? undefined : readRest(request, response)) ?? whenToSend());
        return response;
      } finally {
        working -= 1;
      }
    },
    { hostname: HOSTNAME, autoCleanupIncoming: false },
  );
  const unsent = () => control.inFlight() - working;
  const limits = limitsOf(options);
  const { server, ...secure } = tls
    ? await createSecure(tls, limits, answer)
    : { server: createServer(limits, answer) };
  const control = stopper(server);
  server.on("checkContinue", continueWhenRead);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const address = server.address() as AddressInfo;
      resolve({ port: address.port, ...control, ...secure });
    });
  });
}

/** Node closes a connection at the end of a turn, after what `setImmediate` waits for. */
async function twoTurns(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

function limitsOf({ idleTimeoutSeconds, requestTimeoutSeconds, maxHeadBytes }: ListenOptions) {
  return {
    requireHostHeader: false,
    keepAliveTimeout: idleTimeoutSeconds * 1000,
    headersTimeout:
      Math.min(idleTimeoutSeconds || requestTimeoutSeconds, requestTimeoutSeconds) * 1000,
    requestTimeout: requestTimeoutSeconds * 1000,
    connectionsCheckingInterval: SLOW_REQUEST_POLL_MS,
    maxHeaderSize: maxHeadBytes,
  };
}

/** HTTPS is loaded here, so that a service without it starts sooner. */
async function createSecure(tls: TlsPair, limits: ServerOptions, answer: RequestListener) {
  const https = await import("node:https");
  const minVersion = "TLSv1.2";
  const server = https.createServer({ ...limits, minVersion, ...tls }, answer);
  const setTls = (pair: TlsPair) => server.setSecureContext({ minVersion, ...pair });
  return { server: server as HttpServer, setTls };
}

/**
 * If a request was answered before its body was read, the rest of the body comes before the next
 * request. A reader that had begun still listens, and would pause it.
 */
function skipRest(request: IncomingMessage): void {
  if (request.readableEnded) return;
  request.removeAllListeners("data");
  request.resume();
}

/**
 * Sends `100 Continue` (RFC 9110 section 10.1.1) when the app reads the body, so that a waiting client
 * does not send a body that is refused for its head. Without it, Node closes the connection after the
 * answer.
 */
function continueWhenRead(
  this: HttpServer,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const read = request._read;
  request._read = (size) => {
    request._read = read;
    if (!response.headersSent) response.writeContinue();
    read.call(request, size);
  };
  this.emit("request", request, response);
}

/** Follows the requests and connections of a server, so that it can be stopped between them. */
function stopper(
  server: HttpServer,
): Pick<Server, "stop" | "inFlight" | "closeAllConnections" | "closeIdleConnections"> {
  const sockets = new Map<string, Socket>();
  const inFlight = createInFlight();

  /** With HTTPS, a connection's TLS socket replaces its TCP socket in the same property. */
  function followSocket(socket: Socket): void {
    const name = `${socket.remoteAddress} ${socket.remotePort}`;
    sockets.set(name, socket);
    socket.once("close", () => {
      if (sockets.get(name) === socket) sockets.delete(name);
    });
  }

  server.on("connection", followSocket);
  server.on("secureConnection", followSocket);
  server.on("request", (request, response) => {
    inFlight.begin();
    response.once("close", () => {
      inFlight.end();
      skipRest(request);
    });
  });

  /**
   * The HTTP server's own `close` would cut off answers that are not completely sent, and wait for
   * connections with an incomplete request head.
   */
  async function stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      TcpServer.prototype.close.call(server, () => resolve());
    });
    await inFlight.none();
    for (const socket of sockets.values()) socket.destroySoon();
    await closed;
  }

  return {
    stop,
    inFlight: inFlight.count,
    closeAllConnections: () => {
      for (const socket of sockets.values()) socket.destroy();
    },
    closeIdleConnections: () => server.closeIdleConnections(),
  };
}

/**
 * Standard error is for messages that need attention. Node's warning that its SQLite is experimental
 * does not: the store's contract is tested on the oldest supported Node.
 */
function leaveOutSqliteWarning(): void {
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).startsWith(SQLITE_WARNING)) emitWarning(warning, ...rest);
  };
}

// This must come before node:sqlite is loaded, which happens when the program opens a store.
leaveOutSqliteWarning();
await runProgram({
  listen,
  memoryLeft,
  sha256: (text) => createHash("sha256").update(text).digest("hex"),
});
