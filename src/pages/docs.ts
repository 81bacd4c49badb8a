import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { html } from "hono/html";
import { z } from "zod";
import { fromBase64 } from "../encoding.ts";
import { DomainError } from "../errors.ts";
import { answer, answerHtml, noteBytes } from "../http/answer.ts";
import type { AppEnv } from "../http/env.ts";
import type { Resource } from "../resources/resource.ts";
import { openApiDocument } from "./openapi.ts";
import startScript from "./start.client.js" with { type: "text" };

/**
 * Swagger UI draws its icons from `data:` images. It styles elements through the DOM, which is allowed
 * without `unsafe-inline`.
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

/** A document must have a version; this one says only which paths it describes. */
const API_VERSION = "v1";

type DocsOptions = {
  /** What the described app offers. */
  resources: readonly Resource[];
  /** Whether the document names the version of the service. */
  showsVersion: boolean;
};

/**
 * The OpenAPI document and a page to read and try it, with the page's assets.
 *
 * @param describedApp the app whose routes the document describes.
 */
export function docsRoutes(
  describedApp: OpenAPIHono<AppEnv>,
  { resources, showsVersion }: DocsOptions,
) {
  const app = new OpenAPIHono<AppEnv>();
  let document: string | undefined;
  const style = decodedOnce(async () => (await swaggerUi()).swaggerStyle());
  const script = decodedOnce(async () => (await swaggerUi()).swaggerScript());

  describeRoutes(app);

  return app
    .get("/openapi.json", (c) => {
      const version = showsVersion ? undefined : API_VERSION;
      document ??= JSON.stringify(openApiDocument(describedApp, resources, version));
      return answer(c, document, 200, { "Content-Type": "application/json" });
    })
    .get("/docs", async (c) =>
      answerHtml(c, String(await page()), { "Content-Security-Policy": PAGE_POLICY }),
    )
    .get("/docs/swagger-ui.css", (c) => gzippedAsset(c, style, CSS))
    .get("/docs/swagger-ui-bundle.js", (c) => gzippedAsset(c, script, JAVASCRIPT))
    .get("/docs/start.js", (c) =>
      answer(c, startScript, 200, { "Content-Type": JAVASCRIPT, ...CACHED }),
    );
}

let swaggerUiModule: Promise<typeof import("./swagger-ui.ts")> | undefined;

/**
 * Loaded at the first request, because it is half of the bundle and most services never show the page.
 * Imported only once, because Bun never finishes a second import of a file whose macros are still
 * running.
 */
function swaggerUi() {
  swaggerUiModule ??= import("./swagger-ui.ts");
  return swaggerUiModule;
}

/** As a blob, of which all answers share the bytes, also those that wait for slow clients. */
function decodedOnce(base64: () => Promise<string>): () => Promise<Blob> {
  let blob: Promise<Blob> | undefined;
  return () => {
    blob ??= base64().then((text) => new Blob([fromBase64(text)]));
    return blob;
  };
}

/**
 * Sends an asset as it is stored. To unpack it for a client that refuses gzip would take 20 ms and several MiB for
 * each. A client that does not say what it accepts accepts anything (RFC 9110 section 12.5.3).
 */
async function gzippedAsset(
  c: Context<AppEnv>,
  gzipped: () => Promise<Blob>,
  type: string,
): Promise<Response> {
  const headers = { "Content-Type": type, Vary: "Accept-Encoding", ...CACHED };
  const isAccepted =
    c.req.header("Accept-Encoding") === undefined ||
    accepts(c, { header: "Accept-Encoding", supports: ["gzip"], default: "" }) === "gzip";
  if (!isAccepted) {
    throw new DomainError("encoding_not_accepted", "Send Accept-Encoding: gzip, as browsers do.");
  }
  const asset = await gzipped();
  noteBytes(c, asset.size);
  return encoded(asset, { ...headers, "Content-Encoding": "gzip" });
}

/**
 * Workers compress a body according to its Content-Encoding, unless the answer says that it is already
 * compressed (https://developers.cloudflare.com/workers/runtime-apis/response/).
 */
function encoded(body: Blob, headers: Record<string, string>): Response {
  const init: ResponseInit & { encodeBody: "manual" } = { headers, encodeBody: "manual" };
  return new Response(body, init);
}

/** Its addresses are relative: it may be mounted anywhere, and a proxy may take a prefix away. */
function page() {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Thimble API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="./docs/swagger-ui.css">
<script src="./docs/swagger-ui-bundle.js" defer></script>
<script src="./docs/start.js" defer></script>
</head>
<body>
<main id="docs"></main>
<noscript>This page needs JavaScript. The document itself is at <a href="./openapi.json">openapi.json</a>.</noscript>
</body>
</html>`;
}

function describeRoutes(app: OpenAPIHono<AppEnv>): void {
  const tags = ["Pages"];
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/openapi.json",
    tags,
    summary: "The OpenAPI document",
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
