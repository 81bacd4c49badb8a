import { OpenAPIHono } from "@hono/zod-openapi";
import { accepts } from "hono/accepts";
import { html, raw } from "hono/html";
import { z } from "zod";
import { NO_KEY } from "../auth/openapi.ts";
import { answerHtml, answerText } from "../http/answer.ts";
import type { AppEnv } from "../http/env.ts";
import { referenceBelow } from "../http/paths.ts";
import { SERVICE } from "../identity.ts";
import type { Elapsed } from "../time.ts";
import style from "./landing.css" with { type: "text" };
import { sourceHash } from "./source-hash.ts";

type LandingDeps = {
  /** How long the service has run. */
  uptime: Elapsed;
  /** Whether the page links to the health routes, which may be on another port. */
  linksHealth: boolean;
  /** Whether the page links to the docs, which may be hidden. */
  linksDocs: boolean;
  showsVersion: boolean;
};

/** What the page links to, by its path below the page's own. */
const DOCS = { docs: "API documentation", "openapi.json": "OpenAPI document" };
const HEALTH = { health: "Health", ready: "Readiness" };

const VARY = { Vary: "Accept" };

const GREETING = "Hello from Docker!";

/** `GET /`: a greeting for programs, a page for browsers. */
export function landingRoutes({ uptime, linksHealth, linksDocs, showsVersion }: LandingDeps) {
  const app = new OpenAPIHono<AppEnv>();
  const paths = { ...(linksDocs && DOCS), ...(linksHealth && HEALTH) };
  const version = showsVersion ? SERVICE.version : undefined;
  let policy: Promise<string> | undefined;

  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/",
    tags: ["Pages"],
    security: NO_KEY,
    operationId: "getLandingPage",
    summary: "A greeting, or for a browser the landing page",
    description: "The header Accept decides.",
    responses: {
      200: {
        description: GREETING,
        content: {
          "text/plain": { schema: z.literal(GREETING), example: GREETING },
          "text/html": { schema: z.string() },
        },
      },
    },
  });

  return app.get("/", async (c) => {
    const type = accepts(c, {
      header: "Accept",
      supports: ["text/plain", "text/html"],
      default: "text/plain",
    });
    if (type === "text/plain") return answerText(c, GREETING, VARY);
    policy ??= pagePolicy();
    const links = Object.entries(paths).map(
      ([path, text]) => html`<a href="${referenceBelow(c, path)}">${text}</a>\n`,
    );
    const content = await page({ uptimeMs: uptime(), version, links });
    return answerHtml(c, String(content), {
      "Content-Security-Policy": await policy,
      ...VARY,
    });
  });
}

/** The page may use only this stylesheet. */
async function pagePolicy(): Promise<string> {
  return `default-src 'none'; style-src '${await sourceHash(style)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

type PageContent = { uptimeMs: number; version: string | undefined; links: unknown[] };

function page({ uptimeMs, version, links }: PageContent) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${SERVICE.title}</title>
<style>${raw(style)}</style>
</head>
<body>
<h1>${SERVICE.title}</h1>
<p>${GREETING}</p>
<dl>
${version && html`<dt>Version</dt><dd>${version}</dd>`}
<dt>Uptime</dt><dd>${formatDuration(uptimeMs)}</dd>
</dl>
<nav>
${links}</nav>
</body>
</html>`;
}

/** A duration in its two largest units: `3 d 4 h`, `12 min 5 s`. */
function formatDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const largest = parts.findIndex(([count]) => count > 0);
  if (largest < 0) return "0 s";
  return parts
    .slice(largest, largest + 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}
