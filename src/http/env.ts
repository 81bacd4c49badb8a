import type { Trace } from "../telemetry/trace-context.ts";
import type { Deadline } from "../time.ts";
import type { Standing } from "./middleware/rate-limit.ts";

/** What a runtime knows about a request's connection. */
export type Connection = {
  /** The IP address of the other end, which may be a proxy's. */
  peerAddress?: string | undefined;
  /** Whether the server ends a body at its Content-Length, as RFC 9112 section 6.3 asks. */
  endsBodies?: boolean;
  /** How many answers of the server wait for their clients, in part at least. */
  unsent?: () => number;
  /** Resolves when the server has looked at what arrived together with the request, where that takes a turn. */
  settled?: () => Promise<void>;
};

/** What the service knows of a request, from its arrival to the end of its answer. */
export type ServedRequest = {
  id: string;
  /** By `performance.now()`. */
  arrivedAt: number;
  /** The client's IP address in its shortest form, without port or zone; unknown on some runtimes. */
  clientAddress: string | undefined;
  trace: Trace;
  /** When the answer has to be ready; missing where nothing limits the time. */
  deadline: Deadline | undefined;
  /** Ends the wait for the rest of the body, while there is one. */
  abandonBody: ((reason: Error) => void) | undefined;
  /** How much of its limit the client has used; missing without a limit. */
  standing: Standing | undefined;
  /** The template of the route that answered, once one has: `/books/:id`. */
  route: string | undefined;
  /** The number of bytes of the body of the answer, if known. */
  bodyBytes: number | undefined;
  /** Whether the connection has to be closed after the answer. */
  isLast: boolean;
};

/** The variables of a request in the app, for the types of Hono. */
export type AppEnv = {
  Bindings: Connection;
  Variables: {
    /** Missing where route groups are mounted in another app. */
    request?: ServedRequest;
    /** As `hono/request-id` names it, for middleware that looks for it. */
    requestId: string;
    /** The name of the valid key that the request carries. */
    keyName?: string;
    /** What the first check of the key found out, for the next ones. */
    authenticated?: unknown;
  };
};
