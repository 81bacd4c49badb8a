import { formatTraceparent, type Sampler, type Trace } from "./trace-context.ts";

/** Says, within everything that a request leads to, which trace it belongs to. */
export interface TraceScope {
  run<T>(trace: Trace, work: () => T): T;
  /** Nothing outside of a request, or within one that is not sampled. */
  current(): Trace | undefined;
}

/** What a step of a request was, once it is over. */
export type FinishedSpan = {
  trace: Trace;
  name: string;
  /** A request that this service answered, or one that it made of another. */
  kind: "server" | "client";
  /** In milliseconds since 1970, with fractions. */
  startMs: number;
  durationMs: number;
  /** By the names of OpenTelemetry's semantic conventions; those that are undefined are left out. */
  attributes: Record<string, string | number | string[] | undefined>;
  failed: boolean;
};

/** Takes finished spans, and never keeps anybody waiting. */
export interface SpanRecorder {
  samples: Sampler;
  record(span: FinishedSpan): void;
}

/** What sampled requests are followed with. */
export type Tracing = {
  scope: TraceScope;
  /** Left out where spans go nowhere; then callers alone decide what is sampled. */
  spans?: SpanRecorder;
};

/** The two clocks of a runtime may drift apart by so much before they are set anew. */
const TOLERANCE_MS = 2;

let offset = 0;

/**
 * Milliseconds since 1970, with fractions. A clock of whole milliseconds would put a step of a request
 * before the request or after its end; the finer one knows no date, and stands still while a machine sleeps.
 */
export function preciseNow(): number {
  const elapsed = performance.now();
  const now = Date.now();
  if (Math.abs(offset + elapsed - now) > TOLERANCE_MS) offset = now - elapsed;
  return offset + elapsed;
}

/** Makes a function that names the step under way in `scope` as the one that asks, if there is one. */
export function traceparentOf(
  scope: TraceScope | undefined,
): (() => string | undefined) | undefined {
  if (!scope) return undefined;
  return () => {
    const trace = scope.current();
    return trace && formatTraceparent(trace);
  };
}
