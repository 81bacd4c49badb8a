import process from "node:process";

/** The port that AirPlay takes on a Mac, and this service by default. */
const AIRPLAY_PORT = 5000;

const MOST = 65_535;

type Address = { host: string; port: number; variable: string };

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
  return `cannot listen on ${host}:${port}: ${code}`;
}
