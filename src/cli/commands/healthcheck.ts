import type { ListenAddress } from "../../config/config.ts";

const TIMEOUT_MS = 3000;

/**
 * Addresses to listen on that are none to connect to, and what to connect to in their place. A service on `::`
 * has the addresses of IPv4 in any case, and those of IPv6 only where the system has any.
 */
const LOOPBACK: Record<string, string> = { "0.0.0.0": "127.0.0.1", "::": "127.0.0.1" };

/** Asks the service at this address for its readiness; says what is wrong, or nothing. */
export async function checkHealth({ host, port, isHttps }: ListenAddress) {
  const address = LOOPBACK[host] ?? host;
  const authority = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  try {
    const status = await readinessStatus({ host: address, port, isHttps });
    return status === 200 ? undefined : `not ready: HTTP ${status}`;
  } catch (error) {
    return `no answer on ${authority}: ${error instanceof Error ? error.message : error}`;
  }
}

/**
 * Not with `fetch`, which would ask the proxy that HTTP_PROXY names for this very machine. And without
 * looking at the certificate, which names the service as others call it, not as this machine does: no
 * secret is sent, and all that is learned is whether that which holds the port here is ready.
 */
async function readinessStatus({ host, port, isHttps }: ListenAddress) {
  // Loaded here, for `serve` starts sooner without it.
  const { get } = isHttps ? await import("node:https") : await import("node:http");
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const options = { host, port, path: "/ready", agent: false, signal, rejectUnauthorized: false };
  return new Promise<number | undefined>((resolve, reject) => {
    const request = get(options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", reject);
  });
}
