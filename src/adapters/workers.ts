import { waitUntil } from "cloudflare:workers";
import postgres from "postgres";
import { createApp } from "../app.ts";
import { createKeyRing } from "../auth/key-ring.ts";
import { ConfigError } from "../config/config.ts";
import { connectionOptions } from "../database/postgres/connection.ts";
import { createPostgresSessions } from "../database/postgres/sessions.ts";
import { SEED_BOOKS } from "../resources/book.ts";
import type { BookStore } from "../resources/store.ts";
import { createD1BookStore } from "../resources/stores/d1.ts";
import { createMemoryBookStore } from "../resources/stores/memory.ts";
import { createPostgresBookStore } from "../resources/stores/postgres.ts";
import type { Fetch } from "../server/runtime.ts";
import { createTraceScope, SPANS_NOT_EXPORTED } from "../server/telemetry/trace-scope.ts";
import { SERVICE } from "../service.ts";
import { createLogger, type LogFormat, type LogLevel } from "../telemetry/logger.ts";
import type { TraceScope } from "../telemetry/tracing.ts";
import { traceparentOf } from "../telemetry/tracing.ts";
import { type Bindings, parseBindings, type WorkersConfig } from "./workers/bindings.ts";
import { createMisconfiguredApp } from "./workers/misconfigured.ts";

const clock = Date.now;
const newId = () => crypto.randomUUID();

/**
 * Made at the first request, because Workers forbid work before it; an instance has one configuration.
 */
let service: Fetch | undefined;

export default {
  fetch(request: Request, bindings: Bindings): Response | Promise<Response> {
    service ??= createService(bindings);
    return service(request, { peerAddress: request.headers.get("CF-Connecting-IP") ?? undefined });
  },
};

function createService(bindings: Bindings): Fetch {
  try {
    return serve(parseBindings(bindings));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems } = error;
    const app = createMisconfiguredApp({ problems, logger: openLog("INFO", "json"), newId });
    return app.fetch;
  }
}

function serve(config: WorkersConfig): Fetch {
  const { environment, database } = config;
  const logger = openLog(config.logLevel, config.logFormat);
  const scope = createTraceScope();
  const store = openStore(config, scope);
  // A request that Cloudflare cancels stops without a trace, and would count forever.
  const limits = { ...config, maxConcurrentRequests: undefined };
  const app = createApp({
    config: limits,
    keys: createKeyRing(config, clock),
    store,
    logger,
    clock,
    newId,
    readiness: () => "ok",
    tracing: { scope },
  });
  const { version } = SERVICE;
  logger.info("instance started", { version, environment, database: database.kind });
  if (config.tracing) logger.warning(SPANS_NOT_EXPORTED);
  if (database.kind === "memory") {
    logger.warning("books last as long as this instance; bind a database to keep them");
  }
  return app.fetch;
}

function openLog(level: LogLevel, format: LogFormat) {
  return createLogger({ level, format, clock, write: (line) => console.log(line) });
}

function openStore({ database, seedBooks }: WorkersConfig, scope: TraceScope): BookStore {
  const seed = seedBooks ? SEED_BOOKS : [];
  if (database.kind === "memory") return createMemoryBookStore(clock, seed);
  if (database.kind === "d1") return createD1BookStore({ database: database.binding, clock, seed });
  const { url } = database;
  return createPostgresBookStore({
    connect: () => connectPostgres(url),
    clock,
    seed,
    traceparent: traceparentOf(scope),
    open: (options) => createPostgresSessions({ ...options, release: waitUntil }),
  });
}

/** For one operation, so without the preparations that only pay off in a pool. */
function connectPostgres(url: string) {
  return postgres(url, {
    ...connectionOptions(url),
    max: 1,
    prepare: false,
  });
}
