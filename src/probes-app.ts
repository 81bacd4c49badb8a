import { OpenAPIHono } from "@hono/zod-openapi";
import { TrieRouter } from "hono/router/trie-router";
import { type AppDeps, createAuthenticator, probeRoutes, useOuterMiddleware } from "./app.ts";
import { requireScope } from "./auth/require-scope.ts";
import type { AppEnv } from "./http/env.ts";
import { notFound } from "./http/not-found.ts";
import { appErrorHandler } from "./http/problem.ts";

/** Health and metrics alone, for a listener of their own that only the inside of a network reaches. */
export function createProbesApp(deps: AppDeps) {
  const { config, logger, clock, metrics } = deps;
  const app = new OpenAPIHono<AppEnv>({ router: new TrieRouter() });
  const probes = probeRoutes(deps, clock(), requireScope("metrics", createAuthenticator(deps)));

  useOuterMiddleware(app, deps);

  app.route("/", probes.health);
  if (probes.metrics) app.route("/", probes.metrics);

  app.notFound(notFound(app));
  app.onError(appErrorHandler({ logger, stack: config.debug, metrics: metrics?.metrics }));
  return app;
}
