import type { Context, MiddlewareHandler } from "hono";
import { continueTrace } from "../../telemetry/trace-context.ts";
import { type Tracing, timeSpan } from "../../telemetry/tracing.ts";
import type { AppEnv, ServedRequest } from "../env.ts";
import { routeTemplate } from "../labels.ts";
import { createClientAddresses, type TrustProxy } from "./client-address.ts";
import { giveHeadItsLength } from "./head-length.ts";
import { createRequestIds } from "./request-id.ts";
import { serverSpan } from "./server-span.ts";
import type { Check, Finish } from "./step.ts";

type EdgeOptions = {
  /** Makes the id of a request that came without one: a random UUID by default. */
  newId?: (() => string) | undefined;
  /** Which proxies are trusted: none by default. */
  trustProxy?: TrustProxy | undefined;
  tracing?: Tracing | undefined;
  /** Called at the arrival of every request. */
  onArrival?: (() => void) | undefined;
  /** What is done with every answer, in this order. */
  finishes: readonly Finish[];
};

/**
 * The outermost layer of an app. What every request needs is found out here once, before any route; what
 * every answer needs is done here, after everything else. Each of these is a function of its own and no layer,
 * because every layer takes as long as most of their work.
 */
export function edge(options: EdgeOptions): MiddlewareHandler<AppEnv> {
  const { tracing, onArrival, finishes } = options;
  const arrive = arrivals(options);

  async function answer(c: Context<AppEnv>, request: ServedRequest, next: () => Promise<void>) {
    await next();
    if (c.req.method === "HEAD") await giveHeadItsLength(c);
    request.route = routeTemplate(c);
    for (const finish of finishes) finish(c, request);
  }

  return function edge(c, next) {
    onArrival?.();
    const request = arrive(c);
    c.set("request", request);
    c.set("requestId", request.id);
    const { trace } = request;
    if (!trace.sampled || !tracing) return answer(c, request, next);
    return tracing.scope.run(trace, async () => {
      const timed = timeSpan();
      await answer(c, request, next);
      tracing.spans?.record(serverSpan(c, request, timed()));
    });
  };
}

/** Makes what is known of each request when it arrives. */
function arrivals({ newId, trustProxy, tracing }: EdgeOptions) {
  const idOf = createRequestIds(newId);
  const addressOf = createClientAddresses(trustProxy);
  const sampler = tracing?.spans?.samples;
  return function arrive(c: Context<AppEnv>): ServedRequest {
    const arrivedAt = performance.now();
    const { headers } = c.req.raw;
    const traceparent = headers.get("traceparent") ?? undefined;
    const tracestate = traceparent && (headers.get("tracestate") ?? undefined);
    return {
      id: idOf(headers),
      arrivedAt,
      clientAddress: addressOf(c.env?.peerAddress, headers),
      trace: continueTrace(traceparent, tracestate, sampler),
      deadline: undefined,
      abandonBody: undefined,
      standing: undefined,
      route: undefined,
      bodyBytes: undefined,
      isLast: false,
    };
  };
}

/**
 * Lets only requests pass that no check refuses.
 *
 * @throws {DomainError} of the first check that does.
 */
export function requireHead(checks: readonly Check[]): MiddlewareHandler<AppEnv> {
  return function requireHead(c, next) {
    for (const check of checks) {
      const refusal = check(c.req.raw);
      if (refusal) throw refusal;
    }
    return next();
  };
}
