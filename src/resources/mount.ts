import { OpenAPIHono } from "@hono/zod-openapi";
import { Hono, type MiddlewareHandler } from "hono";
import type { Scope } from "../auth/key.ts";
import type { AppEnv } from "../http/env.ts";
import { type Resource, readScope, requireDistinct, writeScope } from "./resource.ts";
import type { ResourcesSchema } from "./route-types.ts";
import { resourceRoutes } from "./routes.ts";
import type { Store } from "./store.ts";

type MountOptions<R extends readonly Resource[]> = {
  resources: R;
  storeOf: (resource: Resource) => Store;
  /** Guards routes that need a key with a scope. */
  access: (scope: Scope) => MiddlewareHandler<AppEnv>;
  /** Whether reading needs no key. */
  publicReads: boolean;
  /** Reads a request's body (see json-body.ts). */
  receiveJson: MiddlewareHandler<AppEnv>;
};

/** Every resource at `/NAME` and, the same, at `/api/v1/NAME`. */
export function mountResources<R extends readonly Resource[]>(options: MountOptions<R>) {
  const { resources, storeOf, access, publicReads, receiveJson } = options;
  const app = new OpenAPIHono<AppEnv, ResourcesSchema<R>>();
  requireDistinct(resources);
  for (const resource of resources) {
    const routes = resourceRoutes(resource, {
      store: storeOf(resource),
      readAccess: publicReads ? undefined : access(readScope(resource)),
      writeAccess: access(writeScope(resource)),
      receiveJson,
    });
    app.route(`/${resource.name}`, routes);
    // As routes of plain Hono, they are not in the OpenAPI document a second time.
    app.route(`/api/v1/${resource.name}`, new Hono<AppEnv>().route("/", routes));
  }
  return app;
}
