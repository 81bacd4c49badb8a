import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { runProgram } from "./program.ts";
import type { Fetch, ListenOptions, Server } from "./runtime.ts";

function listen(fetch: Fetch, { host, port, idleTimeoutSeconds }: ListenOptions): Promise<Server> {
  const server = createServer(getRequestListener(fetch));
  server.keepAliveTimeout = idleTimeoutSeconds * 1000;
  const pending = countPending(server);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const address = server.address() as AddressInfo;
      resolve({ port: address.port, stop: () => stop(server, pending) });
    });
  });
}

type Pending = { count: number; onNone?: () => void };

function countPending(server: HttpServer): Pending {
  const pending: Pending = { count: 0 };
  server.on("request", (_request, response) => {
    pending.count += 1;
    response.once("close", () => {
      pending.count -= 1;
      if (pending.count === 0) pending.onNone?.();
    });
  });
  return pending;
}

/**
 * Node would also wait for connections on which no more than a part of a request's head has come, and
 * those may take longer than an orchestrator waits.
 */
async function stop(server: HttpServer, pending: Pending): Promise<void> {
  const closed = new Promise((resolve) => {
    server.close(resolve);
  });
  if (pending.count > 0) {
    await new Promise<void>((resolve) => {
      pending.onNone = resolve;
    });
  }
  server.closeAllConnections();
  await closed;
}

await runProgram(listen);
