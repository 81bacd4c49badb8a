import type { Config } from "../../config/config.ts";
import type { BookStore } from "../../resources/store.ts";
import { traceStore } from "../../resources/traced-store.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Tracing } from "../../telemetry/tracing.ts";
import type { Prepare } from "../secrets/reload.ts";

export type OpenTracing = {
  /** For the app; nothing where there is nobody to follow a request for. */
  tracing: Tracing | undefined;
  /** A store whose operations are spans, where there are any spans. */
  watch: (store: BookStore) => BookStore;
  /** Takes over what the collector is to be sent. */
  reconfigure: Prepare;
  /** Sends what is still there, and logs what is lost; takes two seconds at most, and never fails. */
  flush: () => Promise<void>;
};

/** OpenTelemetry's names for what books live in. */
const SYSTEMS = { memory: "memory", sqlite: "sqlite", postgres: "postgresql" };

const NOTHING: OpenTracing = {
  tracing: undefined,
  watch: (store) => store,
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
    watch: (store) => traceStore(store, { scope, spans, system: SYSTEMS[database.kind] }),
    reconfigure: (next) => () => spans.replaceHeaders(next.tracing?.headers ?? {}),
    flush: spans.close,
  };
}
