import type { Trace } from "../telemetry/trace-context.ts";
import type { Deadline } from "../time.ts";

/** What a runtime knows about a request's connection. */
export type Connection = {
  /** The IP address of the other end, which may be a proxy's. */
  peerAddress?: string | undefined;
};

/** A request's variables in the app, for Hono's types. */
export type AppEnv = {
  Bindings: Connection;
  Variables: {
    requestId: string;
    /** The name of the valid key that the request carries. */
    keyName?: string;
    /** The client's IP address in its shortest form, without port or zone; unknown on some runtimes. */
    clientAddress: string | undefined;
    /** Makes the read of the request's body fail, while it is in progress. */
    abandonBody: ((reason: Error) => void) | undefined;
    /** When the answer has to be ready; missing where nothing limits the time. */
    deadline?: Deadline;
    /** Missing if route groups are mounted in another app. */
    trace?: Trace;
    /** The number of bytes of the answer's body, if known. */
    bodyBytes?: number | undefined;
  };
};
