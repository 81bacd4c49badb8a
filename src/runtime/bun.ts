import { SECURITY_HEADERS } from "../middleware/security-headers.ts";
import { runProgram } from "./program.ts";
import type { Fetch, ListenOptions, Server } from "./runtime.ts";

const PENDING_POLL_MS = 10;

async function listen(fetch: Fetch, options: ListenOptions): Promise<Server> {
  if (options.maxHeadBytes !== undefined) await allowHead(options.maxHeadBytes);
  const answer = (request: Request, server: Bun.Server<undefined>) =>
    fetch(withAbsoluteUrl(request), { peerAddress: server.requestIP(request)?.address });
  const server = Bun.serve({
    fetch: outlasting(answer, options),
    // What the app could not turn into an answer itself, and nothing of what it was.
    error: () => new Response(null, { status: 500, headers: SECURITY_HEADERS }),
    development: false,
    // Without this, and out of development mode, a second instance would take half the connections.
    reusePort: false,
    hostname: options.host,
    port: options.port,
    idleTimeout: options.idleTimeoutSeconds,
    // The app limits bodies itself, and answers a larger one with a problem.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  });
  return { port: server.port ?? options.port, stop: () => stop(server) };
}

type Answer = (request: Request, server: Bun.Server<undefined>) => Response | Promise<Response>;

/** Bun takes a connection for idle while its request is worked on, too. */
function outlasting(
  answer: Answer,
  { idleTimeoutSeconds, requestTimeoutSeconds }: ListenOptions,
): Answer {
  if (idleTimeoutSeconds >= requestTimeoutSeconds) return answer;
  return async (request, server) => {
    server.timeout(request, requestTimeoutSeconds);
    try {
      return await answer(request, server);
    } finally {
      server.timeout(request, idleTimeoutSeconds);
    }
  };
}

/** Bun's server has no option for it, but goes by that of Node's. */
async function allowHead(bytes: number): Promise<void> {
  const http: { maxHeaderSize: number } = (await import("node:http")).default;
  http.maxHeaderSize = bytes;
}

/** Without a usable Host, as in HTTP/1.0, Bun gives a request a URL that is a path only. */
function withAbsoluteUrl(request: Request): Request {
  return request.url.startsWith("/")
    ? new Request(`http://localhost${request.url}`, request)
    : request;
}

/**
 * Bun would also wait for connections on which no more than a part of a request's head has come, and
 * those may take longer than an orchestrator waits.
 */
async function stop(server: Bun.Server<undefined>): Promise<void> {
  const stopped = server.stop();
  while (server.pendingRequests > 0) await Bun.sleep(PENDING_POLL_MS);
  server.stop(true);
  await stopped;
}

await runProgram(listen);
