import { createServer, type Server as HttpServer, type IncomingMessage } from "node:http";
import { type AddressInfo, type Socket, Server as TcpServer } from "node:net";
import process from "node:process";
import { getRequestListener } from "@hono/node-server";
import { createPending } from "./pending.ts";
import { runProgram } from "./program.ts";
import type { Fetch, ListenOptions, Server } from "./runtime.ts";

/** What a request without a usable Host, as in HTTP/1.0, gets a URL with. */
const HOSTNAME = "localhost";

const SQLITE_WARNING = "SQLite is an experimental feature";

/** How often requests that take too long to arrive are looked for. */
const SLOW_REQUEST_POLL_MS = 1000;

function listen(fetch: Fetch, options: ListenOptions): Promise<Server> {
  const { host, port, idleTimeoutSeconds, requestTimeoutSeconds, maxHeadBytes } = options;
  const answer = getRequestListener(
    (request, { incoming }) => fetch(request, { peerAddress: incoming.socket?.remoteAddress }),
    { hostname: HOSTNAME, autoCleanupIncoming: false },
  );
  const server = createServer(
    {
      requireHostHeader: false,
      keepAliveTimeout: idleTimeoutSeconds * 1000,
      headersTimeout: Math.min(idleTimeoutSeconds, requestTimeoutSeconds) * 1000,
      requestTimeout: requestTimeoutSeconds * 1000,
      connectionsCheckingInterval: SLOW_REQUEST_POLL_MS,
      ...(maxHeadBytes !== undefined && { maxHeaderSize: maxHeadBytes }),
    },
    answer,
  );
  const stop = stopper(server);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const address = server.address() as AddressInfo;
      resolve({ port: address.port, stop });
    });
  });
}

/**
 * What is left of a body that was answered before it was read stands before the next request. Whoever
 * began to read it still listens, and would pause it.
 */
function skipRest(request: IncomingMessage): void {
  if (request.readableEnded) return;
  request.removeAllListeners("data");
  request.resume();
}

/** Follows the requests and connections of a server, so that it can be stopped between them. */
function stopper(server: HttpServer): () => Promise<void> {
  const sockets = new Set<Socket>();
  const pending = createPending();

  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("request", (request, response) => {
    pending.begin();
    response.once("close", () => {
      pending.end();
      skipRest(request);
    });
  });

  /**
   * The HTTP server's own `close` would cut off answers that are not sent whole yet, and wait for
   * connections on which no more than a part of a request's head has come.
   */
  return async () => {
    const closed = new Promise<void>((resolve) => {
      TcpServer.prototype.close.call(server, () => resolve());
    });
    await pending.none();
    for (const socket of sockets) socket.destroySoon();
    await closed;
  };
}

/**
 * Standard error is for what somebody should look at. That Node calls its SQLite an experiment is not:
 * the contract of the store is run on the oldest Node that is supported.
 */
function leaveOutSqliteWarning(): void {
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).startsWith(SQLITE_WARNING)) emitWarning(warning, ...rest);
  };
}

// Before node:sqlite is loaded, which the program does when it opens a store.
leaveOutSqliteWarning();
await runProgram(listen);
