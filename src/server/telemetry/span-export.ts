import { clearTimeout, setTimeout } from "node:timers";
import type { TracingConfig } from "../../config/tracing.ts";
import { SERVICE } from "../../identity.ts";
import { describeError, type Logger } from "../../telemetry/logger.ts";
import type { Sampler } from "../../telemetry/trace-context.ts";
import type { FinishedSpan } from "../../telemetry/tracing.ts";
import { withDeadline } from "../../time.ts";
import { type ExportFailure, sendSpans } from "./otlp-exporter.ts";
import { encodeRequest, encodeSpan } from "./otlp-json.ts";

/** What has made the spans. */
const SCOPE = { name: SERVICE.name, version: SERVICE.version };

/** The most spans that are kept for a slow collector, those in flight included: some 2 MB. */
const MAX_WAITING_SPANS = 2048;

const MAX_BATCH_SPANS = 512;
const BATCH_INTERVAL_MS = 5000;

const WARNING_INTERVAL_MS = 60_000;

/** A drain does not wait longer for the collector. */
const FLUSH_TIMEOUT_MS = 2000;

type ExportOptions = { config: TracingConfig; environment: string; logger: Logger };

/** Exports spans in batches, every five seconds or 512 spans. One batch is in flight at a time. */
export function startSpanExport({ config, environment, logger }: ExportOptions) {
  const resource = resourceOf(config, environment);
  const losses = createLosses(logger);
  let { headers } = config;
  const queue: string[] = [];
  let waiting = 0;
  const inFlight = new Set<Promise<void>>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function record(span: FinishedSpan): void {
    if (waiting >= MAX_WAITING_SPANS) {
      losses.queueFull();
      return;
    }
    waiting += 1;
    queue.push(encodeSpan(span));
    schedule();
  }

  function schedule(): void {
    if (inFlight.size > 0 || queue.length === 0) return;
    if (queue.length >= MAX_BATCH_SPANS) sendBatch();
    else timer ??= setTimeout(sendBatch, BATCH_INTERVAL_MS).unref();
  }

  function sendBatch(): void {
    clearTimeout(timer);
    timer = undefined;
    const sent = exportSpans(queue.splice(0, MAX_BATCH_SPANS)).then(() => {
      inFlight.delete(sent);
      schedule();
    });
    inFlight.add(sent);
  }

  async function exportSpans(spans: readonly string[]): Promise<void> {
    const batch = { body: encodeRequest(spans, resource, SCOPE), spans: spans.length };
    const failure = await sendSpans(batch, {
      ...config,
      headers: () => headers,
      onRetry: losses.attemptFailed,
    });
    waiting -= spans.length;
    losses.batchEnded(failure);
  }

  /** Sends all spans. Resolves when that is done, or has taken two seconds; it never rejects. */
  async function flush(): Promise<void> {
    while (queue.length > 0) sendBatch();
    await withDeadline<unknown>(Promise.all(inFlight), FLUSH_TIMEOUT_MS, () => {});
  }

  return {
    samples: createSampler(config),
    record,
    flush,
    /** Flushes for the last time, and logs how many spans were lost since the last warning. */
    async close(): Promise<void> {
      await flush();
      losses.close(waiting);
    },
    /** Replaces the headers of requests to the collector, such as its key. */
    replaceHeaders(next: TracingConfig["headers"]): void {
      headers = next;
    },
  };
}

/** @see https://opentelemetry.io/docs/specs/semconv/resource/ */
function resourceOf({ resource }: TracingConfig, environment: string): Record<string, string> {
  return {
    "service.name": SERVICE.name,
    "service.version": SERVICE.version,
    "service.instance.id": crypto.randomUUID(),
    "deployment.environment.name": environment,
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.name": SERVICE.name,
    "telemetry.sdk.version": SERVICE.version,
    ...resource,
  };
}

function createSampler({ sampler, ratio }: TracingConfig): Sampler {
  const own = (traceId: string): boolean => {
    if (sampler.endsWith("always_on")) return true;
    if (sampler.endsWith("always_off")) return false;
    return fractionOf(traceId) < ratio;
  };
  return sampler.startsWith("parentbased_")
    ? (traceId, callerSampled) => callerSampled ?? own(traceId)
    : own;
}

/**
 * A number from 0 to below 1. OpenTelemetry's SDK for JavaScript computes it in the same way, so that all
 * services of a trace sample it or none.
 */
function fractionOf(traceId: string): number {
  let bits = 0;
  for (let index = 0; index < traceId.length; index += 8) {
    bits ^= Number.parseInt(traceId.slice(index, index + 8), 16);
  }
  return (bits >>> 0) / 2 ** 32;
}

/**
 * Counts lost spans. A collector that is down is one line a minute, not one for each batch, and the line
 * names the failure rather than the full queue that follows from it.
 */
function createLosses(logger: Logger) {
  let warnedAt = Number.NEGATIVE_INFINITY;
  let spansLost = 0;
  let error: Error | undefined;

  function warn(): void {
    const cause = error ?? new Error("too many spans wait to be sent");
    logger.warning("spans not exported", {
      spans_lost: spansLost,
      error: describeError(cause).error,
    });
    warnedAt = performance.now();
    spansLost = 0;
    error = undefined;
  }

  function warnIfDue(): void {
    // Another attempt succeeded.
    if (spansLost === 0) error = undefined;
    else if (performance.now() - warnedAt >= WARNING_INTERVAL_MS) warn();
  }

  return {
    attemptFailed(cause: Error): void {
      error = cause;
    },
    /** Does not warn yet: a batch is in flight then, and its end shows the reason. */
    queueFull(): void {
      spansLost += 1;
    },
    batchEnded(failure: ExportFailure | undefined): void {
      if (failure) {
        error = failure.error;
        spansLost += failure.spansLost;
      }
      warnIfDue();
    },
    /** Reports what is lost, with the spans that still wait, however recent the last line is. */
    close(waiting: number): void {
      spansLost += waiting;
      if (waiting > 0) error ??= new Error(`not sent within ${FLUSH_TIMEOUT_MS} ms`);
      if (spansLost > 0) warn();
    },
  };
}
