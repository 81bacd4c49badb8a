import { createApp } from "../app.ts";
import { type Config, parseConfig } from "../config.ts";
import type { Readiness } from "../health/routes.ts";
import { createLogger, describeError, type Logger } from "../logger.ts";
import { SERVICE } from "../service.ts";
import { type Fetch, ListenError, type Runtime, type Server } from "./runtime.ts";
import { readSecretFile } from "./secret-file.ts";
import { openStore, prepareStore } from "./stores.ts";
import { openTracing } from "./tracing.ts";

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
  runtime.onCrash((error) => logger.error("crashed", describeError(error, { stack: true })));
  const { tracing, watch, flush } = await openTracing(config, logger);
  const opened = await openStore(config, clock, tracing?.scope);
  try {
    await prepareStore(opened, logger);
    let state: ReturnType<Readiness> = "ok";
    const app = createApp({
      config: { ...config, apiKey },
      store: watch(opened.store),
      logger,
      clock,
      newId: () => crypto.randomUUID(),
      readiness: () => state,
      tracing,
    });
    const server = await listen(runtime, app.fetch, config);
    announce(config, apiKey, server.port, logger, stdout);
    const signal = await untilSignal;
    state = "draining";
    logger.info("draining", { signal });
    await server.stop();
    await flush();
    logger.info("stopped");
  } finally {
    await opened.store.close();
  }
}

async function listen(runtime: Runtime, fetch: Fetch, config: Config): Promise<Server> {
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
  logger: Logger,
  stdout: (line: string) => void,
): void {
  logger.info("listening", {
    host: config.host,
    port,
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
