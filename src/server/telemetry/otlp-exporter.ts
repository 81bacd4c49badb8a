import { setTimeout as pause } from "node:timers/promises";
import type { TracingConfig } from "../../config/tracing.ts";

export type ExportFailure = { error: Error; spansLost: number };

type OtlpExporterOptions = Pick<TracingConfig, "url" | "timeoutMs"> & {
  /** Read before every attempt, as the collector's key may be replaced. */
  headers: () => TracingConfig["headers"];
  /** Receives the reason of a failed attempt that another attempt follows. */
  onRetry: (error: Error) => void;
};

/** What is worth another attempt (https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes). */
const RETRYABLE = new Set([429, 502, 503, 504]);

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;

/** A longer answer is not read. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Sends a batch of spans as OTLP over HTTP in JSON, again where that may help, until its time is over.
 *
 * @returns how many of the spans were lost and why, or nothing. It never rejects.
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export async function sendSpans(
  batch: { body: string; spans: number },
  options: OtlpExporterOptions,
): Promise<ExportFailure | undefined> {
  const signal = AbortSignal.timeout(options.timeoutMs);
  const deadline = performance.now() + options.timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const outcome = await attempt(batch.body, options, signal);
    if ("rejected" in outcome) return outcome.rejected;
    const { error, retry, retryAfterMs } = outcome;
    const waitMs = Math.max(retryAfterMs ?? 0, pauseMs * (0.8 + 0.4 * Math.random()));
    if (!retry || performance.now() + waitMs >= deadline) return { error, spansLost: batch.spans };
    options.onRetry(error);
    await pause(waitMs, undefined, { ref: false });
  }
}

type Outcome =
  | { rejected: ExportFailure | undefined }
  | { error: Error; retry: boolean; retryAfterMs?: number | undefined };

async function attempt(
  body: string,
  { url, headers, timeoutMs }: OtlpExporterOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers(), "Content-Type": "application/json" },
      body,
      // Only the collector may see the headers, which may hold a key.
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

/** A collector may accept a batch without some of its spans. */
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

/** Another answer than the protocol's still came with a status that reports success. */
function parseAnswer(text: string): Answer {
  try {
    return (JSON.parse(text) as Answer | null) ?? {};
  } catch {
    return {};
  }
}

/** Milliseconds of a header in seconds; one with a date is ignored. */
function secondsOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined;
}

/** Node's message is `fetch failed` for every failed connection; the reason is in its cause. */
function withCause(error: unknown): Error {
  const { message, cause, code } = error as Error & { code?: string };
  const reason = (cause as { code?: string } | undefined)?.code ?? code;
  return new Error(reason === undefined ? message : `${message} (${reason})`);
}
