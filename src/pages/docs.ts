import { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { NO_KEY } from "../auth/openapi.ts";
import { answer, answerHtml } from "../http/answer.ts";
import { jsonContent } from "../http/describe.ts";
import type { AppEnv } from "../http/env.ts";
import type { Resource } from "../resources/resource.ts";
import apiPageStyle from "./api-page.css" with { type: "text" };
import { apiPage } from "./api-page.ts";
import { type OpenApiDocument, openApiDocument } from "./openapi.ts";
import pageStyle from "./page.css" with { type: "text" };
import { pagePolicy } from "./page-policy.ts";
import tryScript from "./try.client.js" with { type: "text" };

const STYLE = pageStyle + apiPageStyle;

/** A document must have a version; this one says only which paths it describes. */
const API_VERSION = "v1";

type DocsOptions = {
  /** What the described app offers. */
  resources: readonly Resource[];
  /** Whether the document names the version of the service. */
  showsVersion: boolean;
};

/**
 * The OpenAPI document, and a page to read and try it.
 *
 * @param describedApp the app whose routes the document describes.
 */
export function docsRoutes(
  describedApp: OpenAPIHono<AppEnv>,
  { resources, showsVersion }: DocsOptions,
) {
  const app = new OpenAPIHono<AppEnv>();
  const version = showsVersion ? undefined : API_VERSION;
  let document: OpenApiDocument | undefined;
  let json: string | undefined;
  let page: Promise<{ html: string; policy: string }> | undefined;
  const described = () => {
    document ??= openApiDocument(describedApp, resources, version);
    return document;
  };

  describeRoutes(app);

  return app
    .get("/openapi.json", (c) => {
      json ??= JSON.stringify(described());
      return answer(c, json, 200, { "Content-Type": "application/json" });
    })
    .get("/docs", async (c) => {
      page ??= makePage(described());
      const { html, policy } = await page;
      return answerHtml(c, html, { "Content-Security-Policy": policy });
    });
}

async function makePage(document: OpenApiDocument) {
  const html = String(await apiPage(document, { style: STYLE, script: tryScript }));
  return { html, policy: await pagePolicy({ style: STYLE, script: tryScript }) };
}

function describeRoutes(app: OpenAPIHono<AppEnv>): void {
  const page = { tags: ["Pages"], security: NO_KEY };
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/openapi.json",
    ...page,
    operationId: "getOpenApiDocument",
    summary: "The OpenAPI document",
    description: "For generators of clients, and other tools.",
    responses: {
      200: jsonContent(z.looseObject({ openapi: z.literal("3.1.0") }), "OpenAPI 3.1", {
        openapi: "3.1.0",
      }),
    },
  });
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/docs",
    ...page,
    operationId: "getApiPage",
    summary: "A page to read and try the API",
    description: "For people.",
    responses: { 200: { description: "HTML", content: { "text/html": { schema: z.string() } } } },
  });
}
