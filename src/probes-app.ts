import { OpenAPIHono } from "@hono/zod-openapi";
import { TrieRouter } from "hono/router/trie-router";
import { type AppDeps, createGatekeeper, probeRoutes, useOuterMiddleware } from "./app.ts";
import type { AppEnv } from "./app-env.ts";
import { requireScope } from "./middleware/api-key.ts";
import { notFound } from "./not-found.ts";
import { appErrorHandler } from "./problem.ts";

/** Health and metrics alone, for a listener of their own that only the inside of a network reaches. */
export function createProbesApp(deps: AppDeps) {
  const { config, logger, clock, metrics } = deps;
  const app = new OpenAPIHono<AppEnv>({ router: new TrieRouter() });
  const probes = probeRoutes(deps, clock(), requireScope("metrics", createGatekeeper(deps)));

  useOuterMiddleware(app, deps);

  app.route("/", probes.health);
  if (probes.metrics) app.route("/", probes.metrics);

  app.notFound(notFound(app));
  app.onError(appErrorHandler({ logger, stack: config.debug, metrics: metrics?.metrics }));
  return app;
}
