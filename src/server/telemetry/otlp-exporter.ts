import { setTimeout as pause } from "node:timers/promises";
import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import type { TracingConfig } from "../../config/tracing.ts";

export type ExportFailure = { error: Error; spansLost: number };

export type OtlpExporterOptions = Pick<TracingConfig, "url" | "timeoutMs"> & {
  /** Asked at every attempt, for a key of the collector's may be replaced. */
  headers: () => TracingConfig["headers"];
  onFailure: (failure: ExportFailure) => void;
  /** Is told why an attempt failed that is followed by another. */
  onRetry: (error: Error) => void;
};

/** What is worth another try (https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes). */
const RETRYABLE = new Set([429, 502, 503, 504]);

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;

/** An answer that is longer is not looked into. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Sends batches of spans as OTLP over HTTP in JSON, each again where that may help, until its time is over.
 * Whatever goes wrong is told and never thrown.
 *
 * The library's own exporter does the same over `node:http` in twice the code, and reads the environment.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export function createOtlpExporter(options: OtlpExporterOptions): SpanExporter {
  const { onFailure } = options;
  return {
    export(spans, done) {
      send(spans, options).then(
        (rejected) => {
          if (rejected) onFailure(rejected);
          done({ code: 0 });
        },
        (error: Error) => {
          onFailure({ error, spansLost: spans.length });
          // It is told already; the queue would tell it again.
          done({ code: 0 });
        },
      );
    },
    shutdown: async () => {},
  };
}

async function send(spans: ReadableSpan[], options: OtlpExporterOptions) {
  const body = JsonTraceSerializer.serializeRequest(spans);
  const signal = AbortSignal.timeout(options.timeoutMs);
  const deadline = performance.now() + options.timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const outcome = await attempt(body, options, signal);
    if ("rejected" in outcome) return outcome.rejected;
    const waitMs = outcome.retryAfterMs ?? pauseMs * (0.8 + 0.4 * Math.random());
    if (!outcome.retry || performance.now() + waitMs >= deadline) throw outcome.error;
    options.onRetry(outcome.error);
    await pause(waitMs, undefined, { ref: false });
  }
}

type Outcome =
  | { rejected: ExportFailure | undefined }
  | { error: Error; retry: boolean; retryAfterMs?: number | undefined };

async function attempt(
  body: Uint8Array | undefined,
  { url, headers, timeoutMs }: OtlpExporterOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers(), "Content-Type": "application/json" },
      body: (body ?? null) as BodyInit | null,
      // The headers, which may hold a key, are for nobody else.
      redirect: "manual",
      signal,
    });
    if (response.ok) return { rejected: await rejectedSpans(response) };
    void response.body?.cancel().catch(() => {});
    const error = new Error(`the collector answered ${response.status}`);
    const retryAfterMs = secondsOf(response.headers.get("Retry-After"));
    return { error, retry: RETRYABLE.has(response.status), retryAfterMs };
  } catch (error) {
    if (signal.aborted) {
      return { error: new Error(`no answer within ${timeoutMs} ms`), retry: false };
    }
    return { error: withCause(error), retry: true };
  }
}

/** A collector may take a batch and leave out some of its spans. */
async function rejectedSpans(response: Response): Promise<ExportFailure | undefined> {
  const length = Number(response.headers.get("Content-Length") ?? Number.NaN);
  if (!(length <= MAX_ANSWER_BYTES)) {
    void response.body?.cancel().catch(() => {});
    return undefined;
  }
  const { partialSuccess } = parseAnswer(await response.text());
  const spansLost = Number(partialSuccess?.rejectedSpans ?? 0);
  if (!(spansLost > 0)) return undefined;
  return {
    error: new Error(`the collector refused spans: ${partialSuccess?.errorMessage ?? ""}`),
    spansLost,
  };
}

type Answer = {
  partialSuccess?: { rejectedSpans?: string | number; errorMessage?: string } | null;
};

/** What is no answer of the protocol's came with a status that says it is well. */
function parseAnswer(text: string): Answer {
  try {
    return (JSON.parse(text) as Answer | null) ?? {};
  } catch {
    return {};
  }
}

/** Milliseconds, of a header that has seconds; one with a date is left alone. */
function secondsOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined;
}

/** Node says of every connection that fails no more than `fetch failed`, and the reason as its cause. */
function withCause(error: unknown): Error {
  const { message, cause, code } = error as Error & { code?: string };
  const reason = (cause as { code?: string } | undefined)?.code ?? code;
  return new Error(reason === undefined ? message : `${message} (${reason})`);
}
