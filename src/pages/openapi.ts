import type { OpenAPIHono } from "@hono/zod-openapi";
import type { OperationObject, ResponseObject } from "openapi3-ts/oas31";
import { COMMON_HEADERS, type ProblemStatus, problems } from "../http/describe.ts";
import { headers } from "../http/described-headers.ts";
import type { AppEnv } from "../http/env.ts";
import { sharedComponents } from "../http/shared-components.ts";
import { PROBES_TAG } from "../probes/health.ts";
import { tagOf } from "../resources/describe.ts";
import type { Resource } from "../resources/resource.ts";
import { SERVICE } from "../service.ts";

/** Not in place: the type of the library is that of OpenAPI 3.0, which has no identifier. */
const LICENSE = { name: "MIT", identifier: "MIT" };

/** What any request may be answered with: by the edge, or where the service has a defect. */
const ANY_REQUEST: ProblemStatus[] = [400, 414, 431, 500];
/** By the limits that depend on other requests, which probes do not have. */
const LIMITED: ProblemStatus[] = [429, 503];

/** The only answer that is no problem: it is not the app's, and has no body. */
const TOO_SLOW = {
  description:
    "The request did not arrive in time. Node's server answers so; others only disconnect",
};

/** The whole document. */
export type OpenApiDocument = ReturnType<typeof openApiDocument>;

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
      title: SERVICE.title,
      version,
      description: "A production-ready HTTP API that fits in a thimble.",
      license: LICENSE,
    },
    // Relative to the document: its paths begin next to it, wherever an app or a proxy has put it.
    servers: [{ url: ".", description: "This service" }],
    tags: [
      ...resources.map((resource) => ({
        name: tagOf(resource),
        description: `At /${resource.name} and, the same, at /api/v1/${resource.name}.`,
      })),
      { name: "Process", description: "Small actions that need an API key." },
      { name: PROBES_TAG, description: "For people and orchestrators." },
      { name: "Pages", description: "For browsers." },
    ],
  });
  for (const operations of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(operations)) addCommonAnswers(operation);
  }
  const { schemas, headers, responses } = sharedComponents();
  const own = document.components;
  document.components = {
    ...own,
    schemas: { ...own?.schemas, ...schemas },
    headers,
    responses: { RequestTimeout: TOO_SLOW, ...responses },
  };
  return document;
}

/** Adds what the layers around every route answer and set (see app.ts). */
function addCommonAnswers(operation: OperationObject): void {
  const isProbe = operation.tags?.includes(PROBES_TAG) ?? false;
  for (const response of Object.values<ResponseObject>(operation.responses ?? {})) {
    if (isProbe || "$ref" in response) continue;
    response.headers = { ...response.headers, ...headers(...COMMON_HEADERS) };
  }
  operation.responses = {
    ...problems(...ANY_REQUEST, ...(isProbe ? [] : LIMITED)),
    408: { $ref: "#/components/responses/RequestTimeout" },
    ...operation.responses,
  };
}
