import type { Trace } from "./trace/trace.ts";

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
    /** Not where route groups are mounted in another app. */
    trace?: Trace;
    /** Whose key the request came with. */
    keyName?: string;
    /** The client's, past the proxies that are trusted. */
    clientAddress?: string;
    /** How many bytes the answer's body has, where that is known. */
    bodyBytes?: number | undefined;
  };
};
