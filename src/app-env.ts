import type { Gatekeeper, Verdict } from "./middleware/api-key.ts";
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
    /** What became of the key that the request carries, and by which ring and throttle. */
    judged?: Gatekeeper & { verdict: Promise<Verdict> };
    /** The name of the key that the request was let in by. */
    keyName?: string;
    /** See client-address.ts. */
    clientAddress: string | undefined;
    /** What is left to the client of its rate limit, where there is one. */
    rateLimit: { remaining: number; resetTime: Date | undefined };
    /** Makes the reading of the request's body fail, while that is under way. */
    abandonBody: ((reason: Error) => void) | undefined;
    /** Not where route groups are mounted in another app. */
    trace?: Trace;
    /** How many bytes the answer's body has, where that is known. */
    bodyBytes?: number | undefined;
  };
};
