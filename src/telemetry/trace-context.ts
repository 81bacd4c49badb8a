import { toHex } from "../encoding.ts";
import { parseTracestate } from "./tracestate.ts";

/** The place of a request, or of one step of it, in a trace (W3C Trace Context). */
export type Trace = {
  /** 32 lower-case hexadecimal digits, not all of them 0. */
  traceId: string;
  /** Of this request or step itself: 16 lower-case hexadecimal digits, not all of them 0. */
  spanId: string;
  /** The span id of the caller. */
  parentSpanId?: string;
  /** Whether the trace is recorded. */
  sampled: boolean;
  /** Whether the last 56 bits of the trace id are known to be random (level 2). */
  random: boolean;
  /** Other vendors' values, unchanged. */
  state?: string;
};

/** Decides whether a request is recorded, by its trace id and by the caller's decision, if there is one. */
export type Sampler = (traceId: string, callerSampled: boolean | undefined) => boolean;

/** Where nothing is recorded here, only the caller decides. */
const asCaller: Sampler = (_traceId, callerSampled) => callerSampled ?? false;

const SAMPLED = 0x01;
const RANDOM = 0x02;

/** Four fields; later versions may add more after a dash. */
const FIELDS = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

const FORBIDDEN_VERSION = "ff";
const NO_TRACE_ID = "0".repeat(32);
const NO_SPAN_ID = "0".repeat(16);

/**
 * Parses a `traceparent` header. Of a version later than 00, it reads the fields that 00 has.
 *
 * @returns nothing where the header must be ignored.
 * @see https://www.w3.org/TR/trace-context-2/#traceparent-header
 */
export function parseTraceparent(header: string) {
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

/** The header that names this step as the caller. */
export function formatTraceparent({ traceId, spanId, sampled, random }: Trace): string {
  const flags = (sampled ? SAMPLED : 0) | (random ? RANDOM : 0);
  return `00-${traceId}-${spanId}-0${flags}`;
}

/**
 * Continues the trace that a request's headers name, or begins one where they name none or are not valid.
 *
 * @see https://www.w3.org/TR/trace-context-2/
 */
export function continueTrace(
  traceparent: string | undefined,
  tracestate: string | undefined,
  sampler: Sampler = asCaller,
): Trace {
  const caller = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  const spanId = newSpanId();
  if (!caller) {
    const traceId = randomHex(NO_TRACE_ID.length);
    return { traceId, spanId, sampled: sampler(traceId, undefined), random: true };
  }
  const { traceId, parentSpanId, random } = caller;
  const sampled = sampler(traceId, caller.sampled);
  const state = tracestate === undefined ? undefined : parseTracestate(tracestate);
  return {
    ...{ traceId, spanId, parentSpanId, sampled, random },
    ...(state !== undefined && { state }),
  };
}

/** A step of a request, with its own span id. */
export function childOf(parent: Trace): Trace {
  return { ...parent, spanId: newSpanId(), parentSpanId: parent.spanId };
}

function newSpanId(): string {
  return randomHex(NO_SPAN_ID.length);
}

/** Random bytes for some 170 requests at once, as one call takes longer than the rest of an id. */
const POOL_BYTES = 4096;

let pool = "";
let used = 0;

/** Random hexadecimal digits; not all 0, which is not an id. */
function randomHex(length: number): string {
  if (used + length > pool.length) {
    pool = toHex(crypto.getRandomValues(new Uint8Array(POOL_BYTES)));
    used = 0;
  }
  const digits = pool.slice(used, used + length);
  used += length;
  return digits === NO_TRACE_ID || digits === NO_SPAN_ID ? randomHex(length) : digits;
}
