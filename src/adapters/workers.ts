import { waitUntil } from "cloudflare:workers";
import postgres from "postgres";
import { createApp } from "../app.ts";
import { createKeyRing } from "../auth/key-ring.ts";
import { ConfigError } from "../config/config.ts";
import { createD1Database } from "../database/d1.ts";
import type { Database } from "../database/database.ts";
import { createMemoryDatabase } from "../database/memory.ts";
import { connectionOptions } from "../database/postgres/connection.ts";
import { createPostgresDatabase } from "../database/postgres/database.ts";
import { createPostgresSessions } from "../database/postgres/sessions.ts";
import { SERVICE } from "../identity.ts";
import type { Resource } from "../resources/resource.ts";
import type { Store } from "../resources/store.ts";
import { createStore } from "../resources/stores/create-store.ts";
import type { Fetch } from "../server/runtime.ts";
import { createTraceScope, SPANS_NOT_EXPORTED } from "../server/telemetry/trace-scope.ts";
import { RESOURCES } from "../service.ts";
import { createLogger, type LogFormat, type LogLevel } from "../telemetry/logger.ts";
import { type TraceScope, traceparentOf } from "../telemetry/tracing.ts";
import { type Bindings, parseBindings, type WorkersConfig } from "./workers/bindings.ts";
import { createMisconfiguredApp } from "./workers/misconfigured.ts";

const clock = Date.now;

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
    const app = createMisconfiguredApp({ problems, logger: openLog("INFO", "json") });
    return app.fetch;
  }
}

function serve(config: WorkersConfig): Fetch {
  const logger = openLog(config.logLevel, config.logFormat);
  const scope = createTraceScope();
  const database = openDatabase(config, scope);
  const storeOf = (resource: Resource) => createStore(database, resource, clock);
  const app = createApp({
    // A request that Cloudflare cancels stops without a trace, and would count forever.
    config: { ...config, maxConcurrentRequests: undefined },
    keys: createKeyRing(config, clock),
    database,
    resources: RESOURCES,
    storeOf,
    logger,
    clock,
    tracing: { scope },
  });
  logger.info("instance started", {
    version: SERVICE.version,
    environment: config.environment,
    database: database.kind,
  });
  if (config.tracing) logger.warning(SPANS_NOT_EXPORTED);
  if (database.kind === "memory") {
    logger.warning("entries last as long as this instance; bind a database to keep them");
  }
  return config.seed ? withSamples(app.fetch, storeOf) : app.fetch;
}

/**
 * Adds the sample entries before the first request is answered. Until that has worked, every request tries:
 * on Workers none may wait for what belongs to another.
 */
function withSamples(answer: Fetch, storeOf: (resource: Resource) => Store): Fetch {
  let isDone = false;
  return async (request, connection) => {
    if (!isDone) isDone = await addSamples(storeOf);
    return answer(request, connection);
  };
}

/** Whether it has worked. A database that cannot be reached is the request's own problem to report. */
async function addSamples(storeOf: (resource: Resource) => Store): Promise<boolean> {
  try {
    for (const resource of RESOURCES) await storeOf(resource).addSamples(resource.samples);
    return true;
  } catch {
    return false;
  }
}

function openLog(level: LogLevel, format: LogFormat) {
  return createLogger({ level, format, clock, write: (line) => console.log(line) });
}

function openDatabase({ database }: WorkersConfig, scope: TraceScope): Database {
  if (database.kind === "memory") return createMemoryDatabase();
  if (database.kind === "d1") return createD1Database(database.binding);
  const { url } = database;
  return createPostgresDatabase({
    traceparent: traceparentOf(scope),
    open: ({ migrate }) =>
      createPostgresSessions({
        migrate,
        // For one operation, so without the preparations that only pay off in a pool.
        connect: () => postgres({ ...connectionOptions(url), max: 1, prepare: false }),
        release: waitUntil,
      }),
  });
}
