const TIMEOUT_MS = 3000;

/** Addresses to listen on that are none to connect to, and what to connect to in their place. */
const LOOPBACK: Record<string, string> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Asks the service at this address for its readiness; says what is wrong, or nothing. */
export async function checkHealth({ host, port }: { host: string; port: number }) {
  const address = LOOPBACK[host] ?? host;
  const authority = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  try {
    const status = await readinessStatus(address, port);
    return status === 200 ? undefined : `not ready: HTTP ${status}`;
  } catch (error) {
    return `no answer on ${authority}: ${error instanceof Error ? error.message : error}`;
  }
}

/** Not with `fetch`, which would ask the proxy that HTTP_PROXY names for this very machine. */
async function readinessStatus(host: string, port: number): Promise<number | undefined> {
  // Loaded here, for `serve` starts sooner without it.
  const { get } = await import("node:http");
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  return new Promise((resolve, reject) => {
    const request = get({ host, port, path: "/ready", agent: false, signal }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", reject);
  });
}
