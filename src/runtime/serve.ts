import { createApp } from "../app.ts";
import { type Config, hasKey } from "../config.ts";
import type { Readiness } from "../health/routes.ts";
import { createKeyRing } from "../keys/key-ring.ts";
import { createLogger, type Logger } from "../logger.ts";
import { SERVICE } from "../service.ts";
import { type Fetch, ListenError, type Runtime, type Server } from "./runtime.ts";
import { readConfig, reloadSecrets } from "./secrets.ts";
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
  const read = readConfig(env);
  const { config } = read;
  const ownKey = hasKey(config) ? undefined : crypto.randomUUID().replaceAll("-", "");
  const logger = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    clock,
    write: stdout,
  });
  // Asked for before anything that may take long: as process 1 of a container, a signal that nobody
  // listens for is lost.
  const untilSignal = runtime.untilSignal();
  const secrets = reloadSecrets(runtime, read);
  const opened = await openStore(config, clock);
  try {
    await prepareStore(opened, logger);
    let state: ReturnType<Readiness> = "ok";
    const keySource = (from: Config) => (hasKey(from) ? from : { apiKey: ownKey });
    const keys = createKeyRing(keySource(config), clock);
    const app = createApp({
      config,
      keys,
      store: opened.store,
      logger,
      clock,
      newId: () => crypto.randomUUID(),
      readiness: () => state,
    });
    const server = await listen(runtime, app.fetch, config);
    announce(config, ownKey, server.port, logger, stdout);
    await secrets.start({
      logger,
      parts: [
        (next) => () => keys.replace(keySource(next)),
        ({ database }) => opened.reconfigure(database),
      ],
    });
    const signal = await untilSignal;
    state = "draining";
    logger.info("draining", { signal });
    await server.stop();
    logger.info("stopped");
  } finally {
    secrets.stop();
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
  ownKey: string | undefined,
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
  if (ownKey === undefined) return;
  const url = `http://${localName(config.host)}:${port}`;
  stdout(`
  Thimble listens on ${url}
  API key for this run: ${ownKey}

  curl ${url}/api/v1/process -H 'X-API-Key: ${ownKey}' \\
    -H 'Content-Type: application/json' -d '{"action":"echo","data":"hello"}'
`);
}

/** What a client on this machine calls the address that the service listens on. */
function localName(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
