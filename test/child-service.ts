import { FROM_SOURCE } from "./program.ts";
import {
  API_KEY,
  type Ending,
  type LogLine,
  runToEnd,
  type Service,
  startService as start,
  type Variables,
} from "./service.ts";

export { API_KEY };

/** The service from source in its own process, tested over HTTP. */
export type ChildService = {
  fetch: (path: string, init?: RequestInit) => Promise<Response>;
  /** A request with the API key and a JSON body. */
  send: (method: string, path: string, body?: unknown, headers?: object) => Promise<Response>;
  /** The log so far. */
  log: () => LogLine[];
  /** Whether the process still runs. */
  running: () => boolean;
  /** Ends it at once, like a crash, and waits until it has ended. */
  kill: () => Promise<void>;
};

/** Starts the service from source and waits until it listens. */
export async function startService(variables: Variables): Promise<ChildService> {
  const service = await start({ command: FROM_SOURCE, env: { ENVIRONMENT: "test", ...variables } });
  let ended = false;
  void service.exited.then(() => {
    ended = true;
  });
  const request = (path: string, init?: RequestInit) => fetch(service.url + path, init);
  return {
    fetch: request,
    send: (method, path, body, headers) =>
      request(path, {
        method,
        headers: { "X-API-Key": API_KEY, "Content-Type": "application/json", ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    log: service.log,
    running: () => !ended,
    kill: () => dispose(service),
  };
}

function dispose(service: Service): Promise<void> {
  return service[Symbol.asyncDispose]();
}

/** Starts a service that cannot serve, and waits until it ends, at most for a limit. */
export function runService(
  variables: Variables,
  args: readonly string[] = [],
): Promise<Ending & { stdout: string; stderr: string }> {
  const environment = { ENVIRONMENT: "test", API_KEY, HOST: "127.0.0.1", PORT: "0" };
  return runToEnd([...FROM_SOURCE, ...args], { ...environment, ...variables });
}
