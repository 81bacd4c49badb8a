import { AsyncLocalStorage } from "node:async_hooks";
import type { Trace } from "../../telemetry/trace-context.ts";
import type { TraceScope } from "../../telemetry/tracing.ts";

/** What the log says where a collector is named and nothing can be sent once a request is answered. */
export const SPANS_NOT_EXPORTED = "spans are not exported on this runtime; requests have trace ids";

/** A scope by what Bun, Node, Deno and Workers have in common for it. */
export function createTraceScope(): TraceScope {
  const storage = new AsyncLocalStorage<Trace>();
  return {
    run: (trace, work) => storage.run(trace, work),
    current: () => storage.getStore(),
  };
}
