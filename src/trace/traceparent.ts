import type { Trace } from "./trace.ts";
import type { TraceScope } from "./tracing.ts";

/** What a `traceparent` header says of the caller. */
export type Traceparent = {
  traceId: string;
  parentSpanId: string;
  sampled: boolean;
  random: boolean;
};

const SAMPLED = 0x01;
const RANDOM = 0x02;

/** Four fields, and in versions to come perhaps more after a dash. */
const FIELDS = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

const FORBIDDEN_VERSION = "ff";
const NO_TRACE_ID = "0".repeat(32);
const NO_SPAN_ID = "0".repeat(16);

/**
 * Parses a `traceparent` header. Of a later version than 00, it takes the fields that 00 has.
 *
 * @returns nothing where the header is to be taken as if it were not there.
 * @see https://www.w3.org/TR/trace-context-2/#traceparent-header
 */
export function parseTraceparent(header: string): Traceparent | undefined {
  const [, version, traceId = "", parentSpanId = "", flagDigits = "", more] =
    FIELDS.exec(header) ?? [];
  if (version === undefined || version === FORBIDDEN_VERSION) return undefined;
  if (version === "00" && more !== undefined) return undefined;
  if (traceId === NO_TRACE_ID || parentSpanId === NO_SPAN_ID) return undefined;
  const flags = Number.parseInt(flagDigits, 16);
  return {
    ...{ traceId, parentSpanId },
    ...{ sampled: (flags & SAMPLED) !== 0, random: (flags & RANDOM) !== 0 },
  };
}

/** The header that names this step as the one that asks. */
export function formatTraceparent({ traceId, spanId, sampled, random }: Trace): string {
  const flags = (sampled ? SAMPLED : 0) | (random ? RANDOM : 0);
  return `00-${traceId}-${spanId}-0${flags}`;
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
