import { AsyncLocalStorage } from "node:async_hooks";
import type { Trace } from "../trace/trace.ts";
import type { TraceScope } from "../trace/tracing.ts";

/** A scope by what Bun, Node, Deno and Workers have in common for it. */
export function createTraceScope(): TraceScope {
  const storage = new AsyncLocalStorage<Trace>();
  return {
    run: (trace, work) => storage.run(trace, work),
    current: () => storage.getStore(),
  };
}
