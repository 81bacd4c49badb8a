import type { Config } from "../../config/config.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Tracing } from "../../telemetry/tracing.ts";
import type { Prepare } from "../secrets/reload.ts";
import { startSpanExport } from "./span-export.ts";
import { createTraceScope } from "./trace-scope.ts";

type OpenTracing = {
  /** For the app; nothing where neither a database nor a collector learns of traces. */
  tracing: Tracing | undefined;
  /** Replaces the headers of requests to the collector. */
  reconfigure: Prepare;
  /** Sends the last spans, and logs how many are lost; takes two seconds at most, and never fails. */
  flush: () => Promise<void>;
};

const NOTHING: OpenTracing = {
  tracing: undefined,
  reconfigure: () => () => {},
  flush: async () => {},
};

/** Opens what the configuration requires: a scope where PostgreSQL or a collector learns of traces. */
export function openTracing(config: Config, logger: Logger): OpenTracing {
  const { database, environment } = config;
  if (!config.tracing && database.kind !== "postgres") return NOTHING;
  const scope = createTraceScope();
  if (!config.tracing) return { ...NOTHING, tracing: { scope } };
  const spans = startSpanExport({ config: config.tracing, environment, logger });
  return {
    tracing: { scope, spans },
    reconfigure: (next) => () => spans.replaceHeaders(next.tracing?.headers ?? {}),
    flush: spans.close,
  };
}
