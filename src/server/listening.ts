import process from "node:process";
import type { Fetch, ListenOptions, Runtime, Server } from "./runtime.ts";

/** The port that AirPlay takes on a Mac, and this service by default. */
const AIRPLAY_PORT = 5000;

const MOST = 65_535;

type Address = { host: string; port: number; variable: string };

/** Every address of a machine: of both IPv6 and IPv4, and of IPv4 alone. */
const [EVERY_ADDRESS, EVERY_IPV4_ADDRESS] = ["::", "0.0.0.0"];

/**
 * Listens as a runtime does; where the system has no IPv6, `::` is every address of IPv4.
 *
 * @returns the server, and the host that it listens on.
 */
export async function listenOn(
  runtime: Pick<Runtime, "listen">,
  fetch: Fetch,
  options: ListenOptions,
): Promise<Server & { host: string }> {
  const { host } = options;
  try {
    return { ...(await runtime.listen(fetch, options)), host };
  } catch (error) {
    const { code } = (error ?? {}) as { code?: unknown };
    if (host !== EVERY_ADDRESS || code !== "EAFNOSUPPORT") throw error;
    return listenOn(runtime, fetch, { ...options, host: EVERY_IPV4_ADDRESS });
  }
}

/** Hosts that every machine has. */
function isOwn(host: string): boolean {
  return host === "localhost" || /^(0\.0\.0\.0|127\.[\d.]+|::1?)$/.test(host);
}

/** Why a system's error keeps a server from listening, and what to do. */
export function whyNotListening(
  code: string,
  { host, port, variable }: Address,
  platform: string = process.platform,
): string {
  // Bun says that a port is in use where the host is no address of this machine.
  if (code === "EADDRINUSE" && port > 0 && isOwn(host)) {
    const airPlay = platform === "darwin" && port === AIRPLAY_PORT ? " (often by AirPlay)" : "";
    return `port ${port} is in use${airPlay}; choose another, for example ${variable}=${port < MOST ? port + 1 : port - 1}`;
  }
  if (code === "EACCES") {
    return `port ${port} is not for every user; choose one from 1024 on, for example ${variable}=8080`;
  }
  return `cannot listen on ${authority({ host, port })}: ${code}`;
}

/** A host and a port as URLs have them. */
export function authority({ host, port }: Pick<Address, "host" | "port">): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
