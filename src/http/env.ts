import type { Trace } from "../telemetry/trace-context.ts";

/** What a runtime says of the connection that a request came on. */
export type Connection = {
  /** The IP address of the other end, which may be a proxy's. */
  peerAddress?: string | undefined;
};

/** What a request carries through the app, for Hono's types. */
export type AppEnv = {
  Bindings: Connection;
  Variables: {
    requestId: string;
    /** The name of the valid key that the request carries. */
    keyName?: string;
    /** The client's IP address in its shortest form, without port or zone; unknown on some runtimes. */
    clientAddress: string | undefined;
    /** Makes reading the request's body fail, while it is being read. */
    abandonBody: ((reason: Error) => void) | undefined;
    /** Not where route groups are mounted in another app. */
    trace?: Trace;
    /** How many bytes the answer's body has, where that is known. */
    bodyBytes?: number | undefined;
  };
};
