import type { Connection } from "../app-env.ts";
import type { Clock } from "../clock.ts";
import type { Environment } from "../config.ts";

/** Answers a request that came on a connection. */
export type Fetch = (request: Request, connection: Connection) => Response | Promise<Response>;

export type ListenOptions = { host: string; port: number; idleTimeoutSeconds: number };

/** A listening server. */
export type Server = {
  port: number;
  /** Takes no new connection, and resolves when every request under way is answered. */
  stop: () => Promise<void>;
};

/** What a JavaScript runtime brings to the service. */
export type Runtime = {
  env: Environment;
  clock: Clock;
  stdout: (line: string) => void;
  stderr: (line: string) => void;
  listen: (fetch: Fetch, options: ListenOptions) => Server | Promise<Server>;
  /** Resolves with the name of the first signal that asks the process to end. */
  untilSignal: () => Promise<string>;
  /** From now on, an error that nothing catches is told to `report`, and then ends the process with 1. */
  onCrash: (report: (error: unknown) => void) => void;
};

/** The address that the configuration names cannot be listened on. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}
