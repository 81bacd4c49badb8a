import type { FinishedSpan } from "../../telemetry/tracing.ts";

type AttributeValue = FinishedSpan["attributes"][string];

/** A longer value is cut: what a client sends must not fill memory through the queue of spans. */
const MAX_ATTRIBUTE_LENGTH = 1024;

const KINDS = { server: 2, client: 3 };
const STATUS_UNSET = 0;
const STATUS_ERROR = 2;

/** The flags of W3C Trace Context, and two of OTLP's own about the parent. */
const SAMPLED = 0x01;
const RANDOM = 0x02;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/**
 * Encodes a span as OTLP's JSON: ids in hexadecimal, enums as numbers, integers of 64 bits as strings.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 */
export function encodeSpan(span: FinishedSpan): string {
  const { trace, name, kind, startMs, durationMs, attributes, failed } = span;
  const { traceId, spanId, parentSpanId, state, random } = trace;
  // The parent of a request is in another process; the parent of a database operation is the request.
  const isRemote = kind === "server" && parentSpanId !== undefined;
  return JSON.stringify({
    traceId,
    spanId,
    parentSpanId,
    traceState: state,
    flags: SAMPLED | (random ? RANDOM : 0) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(startMs + durationMs),
    attributes: keyValues(attributes),
    status: { code: failed ? STATUS_ERROR : STATUS_UNSET },
  });
}

/** Encodes the body of a request: spans that are encoded already, with what they come from. */
export function encodeRequest(
  spans: readonly string[],
  resource: Readonly<Record<string, string>>,
  scope: { name: string; version: string },
): string {
  const from = JSON.stringify({ attributes: keyValues(resource) });
  const scopeSpans = `[{"scope":${JSON.stringify(scope)},"spans":[${spans.join(",")}]}]`;
  return `{"resourceSpans":[{"resource":${from},"scopeSpans":${scopeSpans}}]}`;
}

/** Milliseconds with fractions have no more than six digits below them in a number. */
function nanoseconds(milliseconds: number): string {
  const whole = Math.floor(milliseconds);
  const rest = Math.floor((milliseconds - whole) * 1e6);
  return `${whole}${String(rest).padStart(6, "0")}`;
}

function keyValues(attributes: Readonly<Record<string, AttributeValue>>) {
  const list = [];
  for (const key in attributes) {
    const value = attributes[key];
    if (value !== undefined) list.push({ key, value: anyValue(value) });
  }
  return list;
}

function anyValue(value: string | number | string[]) {
  if (typeof value === "string") return stringValue(value);
  if (typeof value === "number") {
    return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  }
  return { arrayValue: { values: value.map(stringValue) } };
}

function stringValue(text: string) {
  return { stringValue: text.slice(0, MAX_ATTRIBUTE_LENGTH) };
}
