const TIMEOUT_MS = 3000;

/** Addresses to listen on that are none to connect to, and what to connect to in their place. */
const LOOPBACK: Record<string, string> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Asks the service at this address for its readiness; says what is wrong, or nothing. */
export async function checkHealth({ host, port }: { host: string; port: number }) {
  const address = LOOPBACK[host] ?? host;
  const authority = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  try {
    const response = await fetch(`http://${authority}/ready`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return response.status === 200 ? undefined : `not ready: HTTP ${response.status}`;
  } catch (error) {
    return `no answer on ${authority}: ${error instanceof Error ? error.message : error}`;
  }
}
