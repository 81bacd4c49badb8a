import { type AppDeps, createApp, createProbesApp } from "../app.ts";
import { createKeyRing } from "../auth/key-ring.ts";
import { type Config, hasKey } from "../config/config.ts";
import { createSharedCounts } from "../http/shared-counts.ts";
import { SERVICE } from "../identity.ts";
import type { Readiness } from "../probes/health.ts";
import { createStore } from "../resources/stores/create-store.ts";
import { RESOURCES } from "../service.ts";
import { createLogger, describeError, type Logger } from "../telemetry/logger.ts";
import { migrateDatabase, openDatabase } from "./database/open-database.ts";
import { drain, runLastStep } from "./drain.ts";
import { watchFileDescriptors } from "./file-descriptors.ts";
import { listenOn, whyNotListening } from "./listening.ts";
import { startMaintenance } from "./maintenance.ts";
import { memoryBudget } from "./memory.ts";
import { type Fetch, ListenError, type Runtime, type Server, type TlsPair } from "./runtime.ts";
import { readConfig, reloadSecrets } from "./secrets/secrets.ts";
import { startSharedLimits } from "./shared-limits.ts";
import { openTracing } from "./telemetry/open-tracing.ts";
import { createServiceMetrics } from "./telemetry/service-metrics.ts";

/** A connection must live longer than the slowest request, to carry its answer. */
const ANSWER_MARGIN_SECONDS = 5;
/** After Ctrl-C, requests in flight have so long. */
const INTERRUPT_SECONDS = 1;

/**
 * A request's head may exceed the limit by this much and still reach the app, which then says what is
 * wrong and counts it. A longer one is refused by the server, which does neither.
 */
const HEAD_MARGIN_BYTES = 8 * 1024;

/**
 * Serves until a signal comes, then finishes the requests in flight, closes the store and sends the
 * rest of spans and log.
 *
 * @throws {ConfigError} and any error of opening the store, the certificate or the port.
 */
export async function serve(runtime: Runtime): Promise<void> {
  const { env, clock } = runtime;
  const read = readConfig(env);
  const { config } = read;
  const ownKey = hasKey(config) ? undefined : crypto.randomUUID().replaceAll("-", "");
  const { logger, stdout } = openLog(runtime, config);
  // Before anything that may take long: a container's process 1 loses signals that it does not listen
  // for.
  const untilSignal = runtime.untilSignal();
  warnOfServiceLinks(config, logger);
  runtime.onCrash((error) => logger.error("crashed", describeError(error, { stack: true })));
  const secrets = reloadSecrets(runtime, read);
  // Loaded here, so that a service without HTTPS starts sooner.
  const { tls: files } = config;
  const tls = files && (await import("./tls.ts").then(({ openTls }) => openTls({ files, logger })));
  const { tracing, reconfigure, flush } = openTracing(config, logger);
  const opened = await openDatabase(config, tracing?.scope);
  const { database } = opened;
  const answerRequests = async () => {
    let state: ReturnType<Readiness> = "ok";
    const keySource = (from: Config) => (hasKey(from) ? from : { apiKey: ownKey });
    const keys = createKeyRing(keySource(config), clock, runtime.sha256);
    const metrics = createServiceMetrics(database, clock);
    const sharedCounts = config.rateLimitStore === "database" ? createSharedCounts() : undefined;
    const deps: AppDeps = {
      config: {
        ...config,
        memoryBudget: config.memoryBudget ?? memoryBudget(runtime.memoryLeft?.()),
      },
      keys,
      database,
      resources: RESOURCES,
      storeOf: (resource) => createStore(database, resource, clock),
      logger,
      clock,
      readiness: () => state,
      metrics,
      tracing,
      sharedCounts,
      probesElsewhere: config.metricsPort !== undefined,
    };
    const server = await listen(runtime, createApp(deps).fetch, config, {
      ...{ variable: "PORT", port: config.port, tls: tls?.pair },
    });
    tls?.follow(server);
    if (tls) runtime.onHangup(() => void tls.reload());
    const { metricsPort } = config;
    const probes =
      metricsPort === undefined
        ? undefined
        : await listen(runtime, createProbesApp(deps).fetch, config, {
            ...{ variable: "METRICS_PORT", port: metricsPort },
          });
    announce({ ...config, host: server.host }, ownKey, server.port, probes?.port, logger, stdout);
    await secrets.start({
      logger,
      parts: [
        (next) => () => keys.replace(keySource(next)),
        (next) => opened.reconfigure(next.database),
        reconfigure,
      ],
      onKeyReload: metrics.metrics.keysReloaded,
    });
    const servers = probes ? [server, probes] : [server];
    const stopWatchingFiles = watchFileDescriptors({ config, servers, logger });
    const stopMaintenance = startMaintenance({ ...deps, database });
    const stopSharing =
      sharedCounts && database.kind === "postgres"
        ? startSharedLimits({ database, counts: sharedCounts, logger })
        : async () => {};
    const signal = await untilSignal;
    state = "draining";
    const { delaySeconds, timeoutSeconds } = patienceFor(signal, config);
    logger.info("draining", { signal, delay_seconds: delaySeconds });
    tls?.close();
    await drain({ server, delaySeconds, timeoutSeconds, logger });
    stopWatchingFiles();
    if (probes) await runLastStep({ name: "close the metrics port", run: probes.stop }, logger);
    await runLastStep({ name: "end the maintenance", run: stopMaintenance }, logger);
    await runLastStep({ name: "end the exchange of limits", run: stopSharing }, logger);
  };
  try {
    const withSamples = config.seed ? RESOURCES : [];
    const signal = await migrateDatabase(database, { logger, withSamples, untilSignal });
    if (signal === undefined) await answerRequests();
    else logger.info("stopping before it listened", { signal });
  } finally {
    secrets.stop();
    const closeDatabase = { name: "close the database", run: () => database.close() };
    await runLastStep(closeDatabase, logger);
  }
  await flush();
  logger.info("stopped");
}

/** After Ctrl-C, somebody waits for the end; an orchestrator, which sends SIGTERM, has clients that must leave. */
function patienceFor(signal: string, { drainDelaySeconds, drainTimeoutSeconds }: Config) {
  return signal === "SIGINT"
    ? { delaySeconds: 0, timeoutSeconds: Math.min(INTERRUPT_SECONDS, drainTimeoutSeconds) }
    : { delaySeconds: drainDelaySeconds, timeoutSeconds: drainTimeoutSeconds };
}

function warnOfServiceLinks({ serviceLinks }: Config, logger: Logger): void {
  for (const variable of serviceLinks) {
    logger.warning(
      "a variable was ignored: Kubernetes set it for a Service of that name; set it in the pod, or " +
        "enableServiceLinks: false",
      { variable },
    );
  }
}

function openLog({ openLog, clock }: Runtime, { logLevel: level, logFormat: format }: Config) {
  const stdout = openLog((lines) => logger.warning("log lines lost", { lines }));
  const logger = createLogger({ level, format, clock, write: stdout });
  return { logger, stdout };
}

type Port = { variable: "PORT" | "METRICS_PORT"; port: number; tls?: TlsPair | undefined };

async function listen(
  runtime: Runtime,
  fetch: Fetch,
  { host, idleTimeoutSeconds, ...config }: Config,
  { variable, port, tls }: Port,
): Promise<Server & { host: string }> {
  const requestTimeoutSeconds = config.requestTimeoutSeconds + ANSWER_MARGIN_SECONDS;
  const maxHeadBytes = config.maxUrlBytes + config.maxHeaderBytes + HEAD_MARGIN_BYTES;
  try {
    return await listenOn(runtime, fetch, {
      host,
      port,
      idleTimeoutSeconds,
      requestTimeoutSeconds,
      maxHeadBytes,
      ...(tls && { tls }),
    });
  } catch (error) {
    const { code } = (error ?? {}) as { code?: unknown };
    if (typeof code !== "string") throw error;
    throw new ListenError(whyNotListening(code, { host, port, variable }), { cause: error });
  }
}

function announce(
  config: Config,
  ownKey: string | undefined,
  port: number,
  metricsPort: number | undefined,
  logger: Logger,
  stdout: (line: string) => void,
): void {
  logger.info("listening", {
    host: config.host,
    port,
    scheme: schemeOf(config),
    ...(metricsPort !== undefined && { metrics_port: metricsPort }),
    version: SERVICE.version,
    environment: config.environment,
    database: config.database.kind,
  });
  if (config.environment !== "development") return;
  const url = `${schemeOf(config)}://${localName(config.host)}:${port}`;
  // Without `--insecure`, curl would refuse a certificate that no authority has signed.
  const curl = config.tls ? "curl --insecure" : "curl";
  stdout(`
  ${SERVICE.title} listens on ${url}
  Read and try the API: ${url}/docs
`);
  if (ownKey === undefined) return;
  stdout(`  API key for this run: ${ownKey}

  ${curl} ${url}/api/v1/process -H 'X-API-Key: ${ownKey}' \\
    -H 'Content-Type: application/json' -d '{"action":"echo","data":"hello"}'
`);
}

function schemeOf({ tls }: Config): "http" | "https" {
  return tls ? "https" : "http";
}

/** The name that a client on this machine uses for the service's address. */
function localName(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
