import type { Digest } from "../auth/key.ts";
import type { Environment } from "../config/config.ts";
import type { Connection } from "../http/env.ts";
import type { Clock } from "../time.ts";

/** Answers a request from a connection. */
export type Fetch = (request: Request, connection: Connection) => Response | Promise<Response>;

/** A certificate with its chain to a root, and its private key, both in PEM. */
export type TlsPair = { cert: string; key: string };

export type ListenOptions = {
  host: string;
  port: number;
  /** How long a connection may be silent between requests; 0 is without a limit. */
  idleTimeoutSeconds: number;
  /** How long a request may take; by then the app has always answered it. */
  requestTimeoutSeconds: number;
  /** The most bytes of a request's line and headers; a server may always allow more by itself. */
  maxHeadBytes: number;
  /** If set, the port speaks HTTPS, with TLS 1.2 or later. */
  tls?: TlsPair;
};

/** A listening server. */
export type Server = {
  port: number;
  /** Accepts no new connection, and resolves when every request in flight is answered. */
  stop: () => Promise<void>;
  /** How many requests are in flight. */
  inFlight: () => number;
  /** Closes every connection at once, even with a request in flight. */
  closeAllConnections: () => void;
  /** Closes every connection that waits for its next request. Missing if the runtime cannot do it. */
  closeIdleConnections?: () => void;
  /**
   * Uses another certificate for new connections. Missing if the port speaks no HTTPS, or the runtime
   * cannot do it. @throws {Error} if the runtime refuses the pair.
   */
  setTls?: (pair: TlsPair) => void;
};

/** What the service needs from a JavaScript runtime. */
export type Runtime = {
  env: Environment;
  clock: Clock;
  /** How many bytes of memory are left; missing on Deno, which asks people whether a program may know that. */
  memoryLeft?: (() => number) | undefined;
  /** Digests keys at once. */
  sha256: Digest;
  stdout: (line: string) => void;
  stderr: (line: string) => void;
  /**
   * Opens standard output for the service: a slow reader delays nothing. When the reader continues,
   * `onLost` receives the number of lost lines. Returns a function that writes a line.
   */
  openLog: (onLost: (lines: number) => void) => (line: string) => void;
  listen: (fetch: Fetch, options: ListenOptions) => Server | Promise<Server>;
  /** Resolves with the name of the first signal that asks the process to end. */
  untilSignal: () => Promise<string>;
  /** Calls the listener whenever the process is asked to read its configuration again. */
  onHangup: (listener: () => void) => void;
  /** From now on, an uncaught error is passed to `report`, and then ends the process with 1. */
  onCrash: (report: (error: unknown) => void) => void;
};

/** The service cannot listen on the configured address. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}
