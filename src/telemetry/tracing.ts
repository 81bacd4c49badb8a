import { formatTraceparent, type Sampler, type Trace } from "./trace-context.ts";

/** Knows the trace of the request in whose work it is called. */
export interface TraceScope {
  run<T>(trace: Trace, work: () => T): T;
  /** Nothing outside of a request, or within one that is not sampled. */
  current(): Trace | undefined;
}

/** A step of a request that is over. */
export type FinishedSpan = {
  trace: Trace;
  name: string;
  /** A request that this service answered, or one that it sent to another service. */
  kind: "server" | "client";
  /** In milliseconds since 1970, with fractions. */
  startMs: number;
  durationMs: number;
  /** Under the names of OpenTelemetry's semantic conventions. Undefined ones are left out. */
  attributes: Record<string, string | number | string[] | undefined>;
  failed: boolean;
};

/** Accepts finished spans, and returns at once. */
export interface SpanRecorder {
  samples: Sampler;
  record(span: FinishedSpan): void;
}

/** What follows sampled requests. */
export type Tracing = {
  scope: TraceScope;
  /** Left out where spans are not exported. Then only callers decide what is sampled. */
  spans?: SpanRecorder;
};

/** The most that the two clocks of a runtime may differ before they are compared again. */
const TOLERANCE_MS = 2;

let offset = 0;

/**
 * Milliseconds since 1970, with fractions. With whole milliseconds, a step of a request could begin before
 * the request. The finer clock has no date, and stops while a machine sleeps.
 */
export function preciseNow(): number {
  const elapsed = performance.now();
  const now = Date.now();
  if (Math.abs(offset + elapsed - now) > TOLERANCE_MS) offset = now - elapsed;
  return offset + elapsed;
}

/**
 * Begins to time a span: its start is by the calendar, its duration by a clock that nobody sets. The
 * function that it returns tells both.
 */
export function timeSpan(): () => Pick<FinishedSpan, "startMs" | "durationMs"> {
  const startMs = preciseNow();
  const begunAt = performance.now();
  return () => ({ startMs, durationMs: performance.now() - begunAt });
}

/** Makes a function that returns the `traceparent` of the current step in `scope`, if there is one. */
export function traceparentOf(
  scope: TraceScope | undefined,
): (() => string | undefined) | undefined {
  if (!scope) return undefined;
  return () => {
    const trace = scope.current();
    return trace && formatTraceparent(trace);
  };
}
