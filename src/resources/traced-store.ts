import { DomainError } from "../errors.ts";
import { childOf, type Trace } from "../telemetry/trace-context.ts";
import { preciseNow, type SpanRecorder, type TraceScope } from "../telemetry/tracing.ts";
import { observeStore, type StoreOperation } from "./observed-store.ts";
import type { BookStore } from "./store.ts";

type StoreTracing = {
  scope: TraceScope;
  spans: SpanRecorder;
  /** What OpenTelemetry calls the database: `postgresql`, `sqlite` or a name of one's own. */
  system: string;
};

/**
 * A store each of whose operations is a span of the request that asks for it, if that is sampled.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/database/database-spans/
 */
export function traceStore(store: BookStore, { scope, spans, system }: StoreTracing): BookStore {
  function record(trace: Trace, operation: StoreOperation, startMs: number, fault?: string): void {
    spans.record({
      trace,
      name: `${operation} books`,
      kind: "client",
      startMs,
      durationMs: preciseNow() - startMs,
      attributes: {
        "db.system.name": system,
        "db.operation.name": operation,
        "db.collection.name": "books",
        "error.type": fault,
      },
      failed: fault !== undefined,
    });
  }

  async function traced<T>(parent: Trace, operation: StoreOperation, work: () => Promise<T>) {
    const trace = childOf(parent);
    const startMs = preciseNow();
    try {
      const result = await scope.run(trace, work);
      record(trace, operation, startMs);
      return result;
    } catch (error) {
      record(trace, operation, startMs, faultOf(error));
      throw error;
    }
  }

  return observeStore(store, (operation, work) => {
    const parent = scope.current();
    return parent ? traced(parent, operation, work) : work();
  });
}

/** That there is no such book, or that it has changed, is an answer and no fault of the store's. */
function faultOf(error: unknown): string | undefined {
  if (error instanceof DomainError) {
    return error.code === "store_unavailable" ? error.code : undefined;
  }
  return error instanceof Error ? error.name : "_OTHER";
}
