import { OpenAPIHono } from "@hono/zod-openapi";
import { Hono, type MiddlewareHandler } from "hono";
import type { Authenticator } from "./auth/authenticator.ts";
import { createFailureThrottle } from "./auth/failure-throttle.ts";
import type { Scope } from "./auth/key.ts";
import type { KeyRing } from "./auth/key-ring.ts";
import { declareSecurity } from "./auth/openapi.ts";
import { nameClient, requireScope } from "./auth/require-scope.ts";
import { reportWrongKeys } from "./auth/wrong-keys.ts";
import type { Config } from "./config/config.ts";
import type { Database } from "./database/database.ts";
import { accessLog } from "./http/edge/access-log.ts";
import { answerHeaders } from "./http/edge/answer-headers.ts";
import { edge, requireHead } from "./http/edge/edge.ts";
import { requireHost } from "./http/edge/host.ts";
import { requestMetrics } from "./http/edge/request-metrics.ts";
import { limitRequestSize } from "./http/edge/request-size.ts";
import { securityHeaders } from "./http/edge/security-headers.ts";
import type { AppEnv } from "./http/env.ts";
import { admission } from "./http/middleware/admission.ts";
import { createGate } from "./http/middleware/concurrency.ts";
import { allowOrigins } from "./http/middleware/cors.ts";
import { jsonBody } from "./http/middleware/json-body.ts";
import { createMemoryBudget } from "./http/middleware/memory-budget.ts";
import { createRateLimit } from "./http/middleware/rate-limit.ts";
import { notFound } from "./http/not-found.ts";
import { appErrorHandler } from "./http/problem.ts";
import { EarlyRouter } from "./http/router.ts";
import type { SharedCounts } from "./http/shared-counts.ts";
import { SERVICE } from "./identity.ts";
import { docsRoutes } from "./pages/docs.ts";
import { landingFacts, landingRoutes } from "./pages/landing.ts";
import { healthRoutes, type Readiness } from "./probes/health.ts";
import { type Expose, metricsRoutes } from "./probes/metrics.ts";
import { processRoutes } from "./process/routes.ts";
import { instrumentStore } from "./resources/instrumented-store.ts";
import { mountResources } from "./resources/mount.ts";
import type { Resource } from "./resources/resource.ts";
import type { Store } from "./resources/store.ts";
import type { RESOURCES } from "./service.ts";
import type { Logger } from "./telemetry/logger.ts";
import { type Recorder, requestCount } from "./telemetry/metrics.ts";
import type { Tracing } from "./telemetry/tracing.ts";
import { type Clock, type Elapsed, elapsed, since } from "./time.ts";

/** The part of the configuration that the app itself goes by. */
export type AppConfig = Pick<
  Config,
  "environment" | "debug" | "maxBodyBytes" | "requestTimeoutSeconds" | "publicReads" | "corsOrigins"
> &
  Shown &
  Limits & {
    /** Whether the app stays ready without its database, once that has answered: not by default. */
    readyWithoutDatabase?: boolean;
  };

/** What is not set is shown. */
type Shown = { logAccess?: boolean; publicDocs?: boolean; publicDetails?: boolean };

/** What is not set is not limited, and no proxy is trusted. */
type Limits = {
  [Name in
    | "authFailureLimit"
    | "rateLimit"
    | "trustProxy"
    | "maxUrlBytes"
    | "maxHeaderBytes"
    | "maxConcurrentRequests"
    | "memoryBudget"]?: Config[Name] | undefined;
};

/** All that the app is made of. */
export type AppDeps<R extends readonly Resource[] = readonly Resource[]> = {
  config: AppConfig;
  /** Which keys may do what; they may be replaced while the app runs. */
  keys: KeyRing;
  /** Readiness depends on it, and what routes of your own do. */
  database: Database;
  /** What the API offers at `/NAME` and `/api/v1/NAME`. */
  resources: R;
  /** Where the entries of a resource are. */
  storeOf: (resource: Resource) => Store;
  logger: Logger;
  /** Tells the time, for timestamps and for the dates of keys. */
  clock: Clock;
  /** Measures durations, such as the uptime and the windows of limits: the runtime's own by default. */
  elapsed?: Elapsed | undefined;
  /** Makes the id of a request that came without one: a random UUID by default. */
  newId?: (() => string) | undefined;
  /** Always ready by default. */
  readiness?: Readiness;
  /** Records every request, and shows it at `/metrics`; without it there is no such route. */
  metrics?: AppMetrics | undefined;
  /** Adds what limits count to what other instances do; without it, each counts for itself. */
  sharedCounts?: SharedCounts | undefined;
  /** Health and metrics have a listener of their own (see `createProbesApp`), and this app leaves them out. */
  probesElsewhere?: boolean;
  /** Follows the requests that are sampled; without it, traces have ids only. */
  tracing?: Tracing | undefined;
};

/** Records what the app does, and shows it to operators. */
export type AppMetrics = Recorder & {
  expose: Expose;
  /** Memory of the process, where the runtime says so. */
  memoryBytes?: () => number;
};

/** Composes the whole service. It starts nothing and reads nothing but its arguments. */
export function createApp<const R extends readonly Resource[]>(deps: AppDeps<R>) {
  const { config, resources, clock, probesElsewhere = false } = deps;
  const app = newApp();
  const uptime = since(deps.elapsed ?? elapsed);
  const authenticator = createAuthenticator(deps);
  const access = (scope: Scope) => requireScope(scope, authenticator);
  const budget = createMemoryBudget(config.memoryBudget);
  const receiveJson = jsonBody(config.maxBodyBytes, budget);
  const { publicReads, publicDocs = true, publicDetails = true, rateLimit: rate } = config;
  const storeOf = instrumentedStores(deps);

  useEdge(app, deps);

  // Before the limits that depend on other clients: probes are always answered.
  const probes = probeRoutes(deps, { uptime, metricsAccess: access("metrics") });
  const probed = app.route("/", probesElsewhere ? withoutRoutes(probes.health) : probes.health);
  if (probes.metrics && !probesElsewhere) app.route("/", probes.metrics);

  app.use(
    admission({
      rateLimit:
        rate &&
        createRateLimit({
          rate,
          now: deps.elapsed,
          onHit: deps.sharedCounts?.of("requests", rate),
        }),
      clientOf: nameClient(authenticator),
      gate: createGate(config.maxConcurrentRequests),
      budget,
      seconds: config.requestTimeoutSeconds,
    }),
  );

  const landing = {
    facts: () => landingFacts(runningFacts(deps, uptime()), publicDetails),
    example: (publicReads && resources[0]?.name) || "api/v1/process",
    linksHealth: !probesElsewhere,
    linksDocs: publicDocs,
  };
  const docs = docsRoutes(app, { resources, showsVersion: publicDetails });
  const routes = probed
    .route("/", landingRoutes(landing))
    .route("/api/v1", processRoutes({ clock, requireKey: access("process"), receiveJson }))
    .route("/", mountResources({ resources, publicReads, access, receiveJson, storeOf }))
    .route("/", publicDocs ? docs : withoutRoutes(docs));
  declareSecurity(app);
  answerTheRest(app, deps);
  return routes;
}

/** What the landing page shows. */
function runningFacts({ database, metrics }: AppDeps, uptimeMs: number) {
  return {
    uptimeMs,
    store: database.kind,
    requests: metrics && requestCount(metrics.records),
    memoryBytes: metrics?.memoryBytes?.(),
  };
}

/** What Hono's typed client takes: `hc<AppType>(url)`. */
export type AppType = ReturnType<typeof createApp<typeof RESOURCES>>;

/** Health and metrics alone, for a listener of their own that only the inside of a network reaches. */
export function createProbesApp(deps: AppDeps) {
  const app = newApp();
  const metricsAccess = requireScope("metrics", createAuthenticator(deps));
  const probes = probeRoutes(deps, { uptime: since(deps.elapsed ?? elapsed), metricsAccess });

  useEdge(app, deps);
  app.route("/", probes.health);
  if (probes.metrics) app.route("/", probes.metrics);
  answerTheRest(app, deps);
  return app;
}

function newApp() {
  return new OpenAPIHono<AppEnv>({ router: new EarlyRouter() });
}

/** What every request passes first, on every listener. */
function useEdge(app: OpenAPIHono<AppEnv>, deps: AppDeps): void {
  const { config, logger, newId, metrics, tracing, readiness } = deps;
  const { trustProxy, logAccess = true } = config;
  const finishes = [
    securityHeaders,
    answerHeaders(() => readiness?.() === "draining"),
    ...(logAccess ? [accessLog(logger)] : []),
    ...(metrics ? [requestMetrics(metrics.metrics)] : []),
  ];
  const onArrival = metrics?.metrics.requestBegan;
  app.use(edge({ newId, trustProxy, tracing, onArrival, finishes }));
  if (config.corsOrigins.length > 0) app.use(allowOrigins(config.corsOrigins));
  app.use(requireHead([requireHost(), limitRequestSize(config)]));
}

function createAuthenticator(deps: AppDeps): Authenticator {
  const { keys, logger, metrics, elapsed: now, sharedCounts } = deps;
  const { authFailureLimit: rate } = deps.config;
  const onHit = rate && sharedCounts?.of("wrong keys", rate);
  return {
    keys,
    failures: rate && createFailureThrottle(rate, { now, onHit }),
    onWrongKey: reportWrongKeys({ logger, metrics: metrics?.metrics, now }),
  };
}

type ProbesOptions = {
  uptime: Elapsed;
  metricsAccess: MiddlewareHandler<AppEnv>;
};

function probeRoutes(deps: AppDeps, { uptime, metricsAccess }: ProbesOptions) {
  const { metrics, config } = deps;
  const { environment, publicDetails: details, readyWithoutDatabase } = config;
  return {
    health: healthRoutes({
      ...deps,
      ...{ service: SERVICE, environment, details, uptime, readyWithoutDatabase },
    }),
    metrics: metrics && metricsRoutes({ ...metrics, access: metricsAccess }),
  };
}

/** The store of each resource, measured and traced. */
function instrumentedStores({ storeOf, database, metrics, tracing }: AppDeps) {
  const system = database.kind === "postgres" ? "postgresql" : database.kind;
  return (resource: Resource) =>
    instrumentStore(storeOf(resource), {
      ...{ resource: resource.name, system, metrics: metrics?.metrics, tracing },
    });
}

/** Nothing, of the type of something: for typed clients a route is the same whether and where it is served. */
function withoutRoutes<T>(_routes: T): T {
  return new Hono<AppEnv>() as T;
}

/** Errors, and requests that no route answered. */
function answerTheRest(app: OpenAPIHono<AppEnv>, { config, logger, metrics }: AppDeps): void {
  app.notFound(notFound(app));
  app.onError(appErrorHandler({ logger, stack: config.debug, metrics: metrics?.metrics }));
}
