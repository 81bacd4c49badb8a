import type { Environment } from "../config/config.ts";
import type { Connection } from "../http/env.ts";
import type { Clock } from "../time.ts";

/** Answers a request that came on a connection. */
export type Fetch = (request: Request, connection: Connection) => Response | Promise<Response>;

/** A certificate, with what chains it to a root, and its private key, both in PEM. */
export type TlsPair = { cert: string; key: string };

export type ListenOptions = {
  host: string;
  port: number;
  /** How long a connection may say nothing. */
  idleTimeoutSeconds: number;
  /** How long a request may take, by which time the app has answered it in any case. */
  requestTimeoutSeconds: number;
  /** The most bytes of a request's line and headers; a server that allows more by itself may go on so. */
  maxHeadBytes: number;
  /** With it, the port speaks HTTPS, of TLS 1.2 or later. */
  tls?: TlsPair;
};

/** A listening server. */
export type Server = {
  port: number;
  /** Takes no new connection, and resolves when every request under way is answered. */
  stop: () => Promise<void>;
  /** How many requests are under way. */
  inFlight: () => number;
  /** Ends every connection at once, whatever is under way on it. */
  closeAllConnections: () => void;
  /**
   * Shows another certificate to whoever connects from now on. Not there where the port speaks no
   * HTTPS, or the runtime cannot do it. @throws {Error} where the runtime refuses the pair.
   */
  setTls?: (pair: TlsPair) => void;
};

/** What a JavaScript runtime brings to the service. */
export type Runtime = {
  env: Environment;
  clock: Clock;
  stdout: (line: string) => void;
  stderr: (line: string) => void;
  /**
   * Opens standard output for what serves: a reader that does not keep up holds nothing up. `onLost` is
   * told how many lines it did not get, when it is back. Returns what writes a line.
   */
  openLog: (onLost: (lines: number) => void) => (line: string) => void;
  listen: (fetch: Fetch, options: ListenOptions) => Server | Promise<Server>;
  /** Resolves with the name of the first signal that asks the process to end. */
  untilSignal: () => Promise<string>;
  /** Calls the listener whenever the process is asked to read its configuration again. */
  onHangup: (listener: () => void) => void;
  /** From now on, an error that nothing catches is told to `report`, and then ends the process with 1. */
  onCrash: (report: (error: unknown) => void) => void;
};

/** The address that the configuration names cannot be listened on. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}
