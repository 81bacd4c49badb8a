import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { html } from "hono/html";
import swaggerStyle from "swagger-ui-dist/swagger-ui.css" with { type: "text" };
import swaggerScript from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "text" };
import { z } from "zod";
import type { AppEnv } from "../app-env.ts";
import { openApiDocument } from "./openapi.ts";
import startScript from "./start.client.js" with { type: "text" };

/**
 * Swagger UI draws its icons from `data:` images. It styles elements through the DOM, which a policy
 * without `unsafe-inline` permits.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Assets change only with a release, so an hour in a browser's cache is safe and saves most loads. */
const CACHED = { "Cache-Control": "public, max-age=3600" };

const JAVASCRIPT = "text/javascript; charset=utf-8";
const CSS = "text/css; charset=utf-8";

/**
 * The OpenAPI document and a page to read and try it, with all that the page loads.
 *
 * @param describedApp the app whose routes the document describes.
 */
export function docsRoutes(describedApp: () => OpenAPIHono<AppEnv>) {
  const app = new OpenAPIHono<AppEnv>();
  let document: string | undefined;

  app.get("/openapi.json", (c) => {
    document ??= JSON.stringify(openApiDocument(describedApp()));
    return c.body(document, 200, { "Content-Type": "application/json" });
  });

  app.get("/docs", (c) => c.html(page(), 200, { "Content-Security-Policy": PAGE_POLICY }));
  app.get("/docs/swagger-ui.css", (c) => asset(c, swaggerStyle, CSS));
  app.get("/docs/swagger-ui-bundle.js", (c) => asset(c, swaggerScript, JAVASCRIPT));
  app.get("/docs/start.js", (c) => asset(c, startScript, JAVASCRIPT));

  describeRoutes(app);
  return app;
}

function asset(c: Context, text: string, type: string): Response {
  return c.body(text, 200, { "Content-Type": type, ...CACHED });
}

function page() {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Thimble API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<script src="/docs/swagger-ui-bundle.js" defer></script>
<script src="/docs/start.js" defer></script>
</head>
<body>
<main id="docs"></main>
<noscript>This page needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
</body>
</html>`;
}

function describeRoutes(app: OpenAPIHono<AppEnv>): void {
  const tags = ["Pages"];
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/openapi.json",
    tags,
    summary: "This document",
    responses: {
      200: {
        description: "OpenAPI 3.1",
        content: { "application/json": { schema: z.looseObject({ openapi: z.string() }) } },
      },
    },
  });
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/docs",
    tags,
    summary: "A page to read and try the API",
    responses: { 200: { description: "HTML", content: { "text/html": { schema: z.string() } } } },
  });
}
