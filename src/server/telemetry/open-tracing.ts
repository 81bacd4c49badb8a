import type { Config } from "../../config/config.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Tracing } from "../../telemetry/tracing.ts";
import type { Prepare } from "../secrets/reload.ts";

export type OpenTracing = {
  /** For the app; nothing where there is nobody to follow a request for. */
  tracing: Tracing | undefined;
  /** Takes over what the collector is to be sent. */
  reconfigure: Prepare;
  /** Sends what is still there, and logs what is lost; takes two seconds at most, and never fails. */
  flush: () => Promise<void>;
};

const NOTHING: OpenTracing = {
  tracing: undefined,
  reconfigure: () => () => {},
  flush: async () => {},
};

type TracingOptions = Pick<Config, "tracing" | "database" | "environment">;

/** Loads what the configuration asks for and no more: a service that nobody traces starts sooner. */
export async function openTracing(config: TracingOptions, logger: Logger): Promise<OpenTracing> {
  const { database, environment } = config;
  if (!config.tracing && database.kind !== "postgres") return NOTHING;
  const { createTraceScope } = await import("./trace-scope.ts");
  const scope = createTraceScope();
  if (!config.tracing) return { ...NOTHING, tracing: { scope } };
  const { startSpanExport } = await import("./span-export.ts");
  const spans = startSpanExport({ config: config.tracing, environment, logger });
  return {
    tracing: { scope, spans },
    reconfigure: (next) => () => spans.replaceHeaders(next.tracing?.headers ?? {}),
    flush: spans.close,
  };
}
