import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "../http/env.ts";
import { tagOf } from "../resources/describe.ts";
import type { Resource } from "../resources/resource.ts";
import { SERVICE } from "../service.ts";

/**
 * The OpenAPI 3.1 document of every route that `app` has described.
 *
 * @param resources those that the app offers.
 * @param version of the document: the service's own by default.
 */
export function openApiDocument(
  app: OpenAPIHono<AppEnv>,
  resources: readonly Resource[],
  version: string = SERVICE.version,
) {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Thimble",
      version,
      description: "A production-ready HTTP API that fits in a thimble.",
      license: { name: "MIT" },
    },
    // Relative to the document: its paths begin next to it, wherever an app or a proxy has put it.
    servers: [{ url: "./" }],
    tags: [
      ...resources.map((resource) => ({
        name: tagOf(resource),
        description: `At /${resource.name} and, the same, at /api/v1/${resource.name}.`,
      })),
      { name: "Process", description: "Small actions that need an API key." },
      { name: "Health", description: "For people and orchestrators." },
      { name: "Pages", description: "For browsers." },
    ],
  });
  for (const [path, operations] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(operations)) {
      operation.operationId = operationId(method, path);
    }
  }
  return document;
}

/** `get` of `/api/v1/books/{id}` is `getApiV1BooksId`: unique, even if routes are mounted twice. */
function operationId(method: string, path: string): string {
  const words = path.match(/[A-Za-z0-9]+/g) ?? ["root"];
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
