import { AsyncLocalStorage } from "node:async_hooks";
import type { Trace } from "../../telemetry/trace-context.ts";
import type { TraceScope } from "../../telemetry/tracing.ts";

/** For runtimes that can send nothing after a request is answered, where a collector is configured. */
export const SPANS_NOT_EXPORTED = "spans are not exported on this runtime; requests have trace ids";

/** A scope that works on Bun, Node, Deno and Workers. */
export function createTraceScope(): TraceScope {
  const storage = new AsyncLocalStorage<Trace>();
  return {
    run: (trace, work) => storage.run(trace, work),
    current: () => storage.getStore(),
  };
}
