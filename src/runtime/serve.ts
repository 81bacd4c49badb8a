import { type AppDeps, createApp } from "../app.ts";
import { observeStore } from "../books/observed-store.ts";
import { type Config, parseConfig } from "../config.ts";
import type { Readiness } from "../health/routes.ts";
import { createLogger, type Logger } from "../logger.ts";
import { timeOperations } from "../metrics/time-operations.ts";
import { SERVICE } from "../service.ts";
import { type Fetch, ListenError, type Runtime, type Server } from "./runtime.ts";
import { readSecretFile } from "./secret-file.ts";
import { createServiceMetrics } from "./service-metrics.ts";
import { openStore, prepareStore } from "./stores.ts";

/** A connection outlives the slowest request, so that its answer still finds it. */
const IDLE_MARGIN_SECONDS = 5;

/**
 * Serves until a signal comes, then finishes what is under way.
 *
 * @throws {ConfigError} and whatever keeps the store or the port from being opened.
 */
export async function serve(runtime: Runtime): Promise<void> {
  const { env, clock, stdout } = runtime;
  const config = parseConfig(env, readSecretFile);
  const apiKey = config.apiKey ?? crypto.randomUUID().replaceAll("-", "");
  const logger = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    clock,
    write: stdout,
  });
  // Asked for before anything that may take long: as process 1 of a container, a signal that nobody
  // listens for is lost.
  const untilSignal = runtime.untilSignal();
  const opened = await openStore(config, clock);
  try {
    await prepareStore(opened, logger);
    let state: ReturnType<Readiness> = "ok";
    const metrics = createServiceMetrics(opened, clock);
    const deps: AppDeps = {
      config: { ...config, apiKey },
      store: observeStore(opened.store, timeOperations(metrics.metrics)),
      logger,
      clock,
      newId: () => crypto.randomUUID(),
      readiness: () => state,
      metrics,
      probesElsewhere: config.metricsPort !== undefined,
    };
    const server = await listen(runtime, createApp(deps).fetch, config);
    const probes = await listenForProbes(runtime, deps, config);
    announce(config, apiKey, server.port, probes?.port, logger, stdout);
    const signal = await untilSignal;
    state = "draining";
    logger.info("draining", { signal });
    await server.stop();
    await probes?.stop();
    logger.info("stopped");
  } finally {
    await opened.store.close();
  }
}

/** Where METRICS_PORT is set. Loaded then only, for most services do without it. */
async function listenForProbes(
  runtime: Runtime,
  deps: AppDeps,
  config: Config,
): Promise<Server | undefined> {
  const { metricsPort: port } = config;
  if (port === undefined) return undefined;
  const { createProbesApp } = await import("../probes-app.ts");
  return listen(runtime, createProbesApp(deps).fetch, { ...config, port });
}

async function listen(
  runtime: Runtime,
  fetch: Fetch,
  config: Pick<Config, "host" | "port" | "requestTimeoutSeconds">,
): Promise<Server> {
  const { host, port, requestTimeoutSeconds } = config;
  const idleTimeoutSeconds = requestTimeoutSeconds + IDLE_MARGIN_SECONDS;
  try {
    return await runtime.listen(fetch, { host, port, idleTimeoutSeconds });
  } catch (error) {
    const { code } = (error ?? {}) as { code?: unknown };
    if (typeof code !== "string") throw error;
    throw new ListenError(`cannot listen on ${host}:${port}: ${code}`, { cause: error });
  }
}

function announce(
  config: Config,
  apiKey: string,
  port: number,
  metricsPort: number | undefined,
  logger: Logger,
  stdout: (line: string) => void,
): void {
  logger.info("listening", {
    host: config.host,
    port,
    ...(metricsPort !== undefined && { metrics_port: metricsPort }),
    version: SERVICE.version,
    environment: config.environment,
    database: config.database.kind,
  });
  if (config.apiKey !== undefined) return;
  const url = `http://${localName(config.host)}:${port}`;
  stdout(`
  Thimble listens on ${url}
  API key for this run: ${apiKey}

  curl ${url}/api/v1/process -H 'X-API-Key: ${apiKey}' \\
    -H 'Content-Type: application/json' -d '{"action":"echo","data":"hello"}'
`);
}

/** What a client on this machine calls the address that the service listens on. */
function localName(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
