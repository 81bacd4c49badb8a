import { OpenAPIHono } from "@hono/zod-openapi";
import { TrieRouter } from "hono/router/trie-router";
import { type AppDeps, createGatekeeper, probeRoutes } from "./app.ts";
import type { AppEnv } from "./app-env.ts";
import { accessLog } from "./middleware/access-log.ts";
import { requireScope } from "./middleware/api-key.ts";
import { learnClientAddress } from "./middleware/client-address.ts";
import { headLength } from "./middleware/head-length.ts";
import { requestId } from "./middleware/request-id.ts";
import { requestMetrics } from "./middleware/request-metrics.ts";
import { securityHeaders } from "./middleware/security-headers.ts";
import { notFound } from "./not-found.ts";
import { appErrorHandler } from "./problem.ts";

/** Health and metrics alone, for a listener of their own that only the inside of a network reaches. */
export function createProbesApp(deps: AppDeps) {
  const { config, logger, clock, newId, metrics } = deps;
  const app = new OpenAPIHono<AppEnv>({ router: new TrieRouter() });
  const probes = probeRoutes(deps, clock(), requireScope("metrics", createGatekeeper(deps)));

  app.use(requestId(newId));
  app.use(learnClientAddress(config.trustProxy ?? 0));
  if (metrics) app.use(requestMetrics(metrics.metrics));
  app.use(accessLog(logger));
  app.use(securityHeaders());
  app.use(headLength);

  app.route("/", probes.health);
  if (probes.metrics) app.route("/", probes.metrics);

  app.notFound(notFound(app));
  app.onError(appErrorHandler({ logger, stack: config.debug, metrics: metrics?.metrics }));
  return app;
}
