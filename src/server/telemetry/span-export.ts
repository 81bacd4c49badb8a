import {
  type HrTime,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
} from "@opentelemetry/api";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { TracingConfig } from "../../config/tracing.ts";
import { SERVICE } from "../../service.ts";
import { describeError, type Logger } from "../../telemetry/logger.ts";
import type { Sampler, Trace } from "../../telemetry/trace-context.ts";
import type { FinishedSpan, SpanRecorder } from "../../telemetry/tracing.ts";
import { withDeadline } from "../../time.ts";
import { createOtlpExporter, type ExportFailure } from "./otlp-exporter.ts";

/** More are not kept for a collector that does not take them: some 5 MB. */
const MAX_QUEUED_SPANS = 2048;

/** An attribute is cut off here: what a client sends must not fill memory by way of the queue. */
const MAX_ATTRIBUTE_LENGTH = 1024;

const WARNING_INTERVAL_MS = 60_000;

/** The flag of level 2, which the library has no name for. */
const RANDOM_ID = 0x02;

/** A drain does not wait longer for the collector. */
const FLUSH_TIMEOUT_MS = 2000;

export type SpanExport = SpanRecorder & {
  /** Sends what is still there. Resolves when that is done, or has taken two seconds; it never rejects. */
  flush: () => Promise<void>;
  /** Flushes for the last time, and logs how many spans were lost since the last warning. */
  close: () => Promise<void>;
  /** What the collector is sent from now on, such as another key. */
  replaceHeaders: (headers: TracingConfig["headers"]) => void;
};

type ExportOptions = { config: TracingConfig; environment: string; logger: Logger };

/**
 * Exports spans by OpenTelemetry's own queue and encoding, in batches every five seconds or 512 spans. The
 * spans themselves are made here: they are over when they are recorded, and the SDK's, which can be added
 * to until then, take 9 µs more for a request.
 */
export function startSpanExport({ config, environment, logger }: ExportOptions): SpanExport {
  const losses = createLosses(logger);
  let { headers } = config;
  let waiting = 0;
  const exporter = createOtlpExporter({
    ...config,
    headers: () => headers,
    onFailure: losses.failed,
    onRetry: losses.noteError,
  });
  const counting: SpanExporter = {
    ...exporter,
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        waiting -= spans.length;
        losses.tell();
        done(result);
      }),
  };
  const processor = new BatchSpanProcessor({
    exporter: counting,
    maxQueueSize: MAX_QUEUED_SPANS,
    // Ends later than the exporter gives up by itself.
    exportTimeoutMillis: config.timeoutMs + 1000,
  });
  const resource = defaultResource().merge(
    resourceFromAttributes({
      "service.name": SERVICE.name,
      "service.version": SERVICE.version,
      "service.instance.id": crypto.randomUUID(),
      "deployment.environment.name": environment,
      ...config.resource,
    }),
  );
  const origin = { resource, instrumentationScope: SERVICE };

  // The queue would leave spans out itself, and tell nobody how many.
  function record(span: FinishedSpan): void {
    if (waiting >= MAX_QUEUED_SPANS) {
      losses.leftOut();
      return;
    }
    waiting += 1;
    processor.onEnd({ ...readable(span), ...origin });
  }

  const flush = () =>
    withDeadline(
      processor.forceFlush().catch(() => {}),
      FLUSH_TIMEOUT_MS,
      () => {},
    );

  return {
    samples: createSampler(config),
    record,
    flush,
    async close() {
      await flush();
      losses.close(waiting);
    },
    replaceHeaders(next) {
      headers = next;
    },
  };
}

/** Which traces a ratio takes is the SDK's to say, so that all services of a trace say the same. */
function createSampler({ sampler, ratio }: TracingConfig): Sampler {
  const ratioSampler = new TraceIdRatioBasedSampler(ratio);
  const own = (traceId: string): boolean => {
    if (sampler.endsWith("always_on")) return true;
    if (sampler.endsWith("always_off")) return false;
    const { decision } = ratioSampler.shouldSample(ROOT_CONTEXT, traceId);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
  return sampler.startsWith("parentbased_")
    ? (traceId, callerSampled) => callerSampled ?? own(traceId)
    : own;
}

function readable(span: FinishedSpan): Omit<ReadableSpan, "resource" | "instrumentationScope"> {
  const { trace, name, kind, startMs, durationMs, failed } = span;
  const context = contextOf(trace, trace.spanId);
  const { parentSpanId } = trace;
  return {
    name,
    kind: kind === "server" ? SpanKind.SERVER : SpanKind.CLIENT,
    spanContext: () => context,
    ...(parentSpanId !== undefined && {
      // What asks for a request is in another process; what asks a database is the request.
      parentSpanContext: { ...contextOf(trace, parentSpanId), isRemote: kind === "server" },
    }),
    startTime: toHrTime(startMs),
    endTime: toHrTime(startMs + durationMs),
    duration: toHrTime(durationMs),
    ended: true,
    status: { code: failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: present(span.attributes),
    links: [],
    events: [],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf({ traceId, state, random }: Trace, spanId: string): SpanContext {
  const context = { traceId, spanId, traceFlags: TraceFlags.SAMPLED | (random ? RANDOM_ID : 0) };
  return state === undefined ? context : { ...context, traceState: asTraceState(state) };
}

/** It is passed on as it came; nothing here looks into it. */
function asTraceState(state: string): NonNullable<SpanContext["traceState"]> {
  const same = { get: () => undefined, set: () => same, unset: () => same, serialize: () => state };
  return same;
}

function present(attributes: FinishedSpan["attributes"]): ReadableSpan["attributes"] {
  const kept: ReadableSpan["attributes"] = {};
  for (const name in attributes) {
    const value = attributes[name];
    if (typeof value === "string") kept[name] = value.slice(0, MAX_ATTRIBUTE_LENGTH);
    else if (value !== undefined) kept[name] = value;
  }
  return kept;
}

/** Seconds and nanoseconds. */
function toHrTime(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1000);
  return [seconds, Math.floor((milliseconds - seconds * 1000) * 1e6)];
}

/**
 * Counts spans that are lost. A collector that is down is one line a minute, not one a batch. Why it takes
 * none is said before that too many wait, which comes of it.
 */
function createLosses(logger: Logger) {
  let toldAt = Number.NEGATIVE_INFINITY;
  let spansLost = 0;
  let error: Error | undefined;

  function warn(): void {
    const cause = error ?? new Error("too many spans wait to be sent");
    logger.warning("spans not exported", {
      spans_lost: spansLost,
      error: describeError(cause).error,
    });
    toldAt = performance.now();
    spansLost = 0;
    error = undefined;
  }

  function tell(): void {
    // What went wrong was put right by another try.
    if (spansLost === 0) error = undefined;
    else if (performance.now() - toldAt >= WARNING_INTERVAL_MS) warn();
  }

  return {
    tell,
    noteError(cause: Error): void {
      error = cause;
    },
    /** Says nothing yet: an export is under way then, and its end says why. */
    leftOut(): void {
      spansLost += 1;
    },
    failed(failure: ExportFailure): void {
      error = failure.error;
      spansLost += failure.spansLost;
      tell();
    },
    /** Says what is lost, with those that still wait, however long ago the last line was. */
    close(waiting: number): void {
      spansLost += waiting;
      if (waiting > 0) error ??= new Error(`not sent within ${FLUSH_TIMEOUT_MS} ms`);
      if (spansLost > 0) warn();
    },
  };
}
