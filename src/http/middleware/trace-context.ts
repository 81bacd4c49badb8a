import type { MiddlewareHandler } from "hono";
import { continueTrace } from "../../telemetry/trace-context.ts";
import { preciseNow, type Tracing } from "../../telemetry/tracing.ts";
import type { AppEnv } from "../env.ts";
import { serverSpan } from "./server-span.ts";

/**
 * Gives every request its place in a trace: that which the caller's `traceparent` names, else in one that
 * begins here. Log lines and problems name the trace; where it is sampled, and there is something to follow
 * it with, the request becomes a span, and its SQL carries a comment.
 *
 * The answer carries no header of this: callers know the trace that they have begun, and for those that
 * have not, `traceresponse` is no standard yet, while problems carry the id and the log has it beside the
 * request id.
 */
export function traceContext(tracing?: Tracing): MiddlewareHandler<AppEnv> {
  const { scope, spans } = tracing ?? {};
  const sampler = spans?.samples;
  return async function traceContext(c, next) {
    const given = c.req.header("traceparent");
    const trace = continueTrace(given, given && c.req.header("tracestate"), sampler);
    c.set("trace", trace);
    if (!trace.sampled || !scope) return next();
    const startMs = preciseNow();
    await scope.run(trace, next);
    spans?.record(serverSpan(c, trace, { startMs, durationMs: preciseNow() - startMs }));
  };
}
