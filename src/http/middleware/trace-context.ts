import type { MiddlewareHandler } from "hono";
import { continueTrace } from "../../telemetry/trace-context.ts";
import { type Tracing, timeSpan } from "../../telemetry/tracing.ts";
import type { AppEnv } from "../env.ts";
import { serverSpan } from "./server-span.ts";

/**
 * Gives every request its place in a trace: in the one that the caller's `traceparent` names, or in a new
 * one. Log lines and problems name the trace. A sampled request becomes a span where spans are exported, and
 * its SQL carries a comment.
 *
 * No response header names the trace: callers know the traces that they began, and `traceresponse` is not a
 * standard yet. Problems and the log have the trace id.
 */
export function traceContext(tracing?: Tracing): MiddlewareHandler<AppEnv> {
  const { scope, spans } = tracing ?? {};
  const sampler = spans?.samples;
  return async function traceContext(c, next) {
    const given = c.req.header("traceparent");
    const trace = continueTrace(given, given && c.req.header("tracestate"), sampler);
    c.set("trace", trace);
    if (!trace.sampled || !scope) return next();
    const timed = timeSpan();
    await scope.run(trace, next);
    spans?.record(serverSpan(c, trace, timed()));
  };
}
