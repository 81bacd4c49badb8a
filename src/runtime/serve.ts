import { createApp } from "../app.ts";
import { type Config, parseConfig } from "../config.ts";
import type { Readiness } from "../health/routes.ts";
import { createLogger, type Logger } from "../logger.ts";
import { SERVICE } from "../service.ts";
import { type Fetch, ListenError, type Runtime, type Server } from "./runtime.ts";
import { readSecretFile } from "./secret-file.ts";
import { openStore, prepareStore } from "./stores.ts";

/** A connection outlives the slowest request, so that its answer still finds it. */
const ANSWER_MARGIN_SECONDS = 5;

/** What Bun and Node allow a request's line and headers together by themselves. */
const SERVERS_HEAD_BYTES = 16 * 1024;

/** The method, the version and what stands between them. */
const HEAD_MARGIN_BYTES = 1024;

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
    const app = createApp({
      config: { ...config, apiKey },
      store: opened.store,
      logger,
      clock,
      newId: () => crypto.randomUUID(),
      readiness: () => state,
    });
    const server = await listen(runtime, app.fetch, config);
    announce(config, apiKey, server.port, logger, stdout);
    const signal = await untilSignal;
    state = "draining";
    logger.info("draining", { signal });
    await server.stop();
    logger.info("stopped");
  } finally {
    await opened.store.close();
  }
}

async function listen(runtime: Runtime, fetch: Fetch, config: Config): Promise<Server> {
  const { host, port, idleTimeoutSeconds } = config;
  const requestTimeoutSeconds = config.requestTimeoutSeconds + ANSWER_MARGIN_SECONDS;
  const headBytes = config.maxUrlBytes + config.maxHeaderBytes;
  const maxHeadBytes = headBytes > SERVERS_HEAD_BYTES ? headBytes + HEAD_MARGIN_BYTES : undefined;
  try {
    return await runtime.listen(fetch, {
      host,
      port,
      idleTimeoutSeconds,
      requestTimeoutSeconds,
      maxHeadBytes,
    });
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
