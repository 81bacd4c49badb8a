import { OpenAPIHono } from "@hono/zod-openapi";
import { accepts } from "hono/accepts";
import { html, raw } from "hono/html";
import { z } from "zod";
import { NO_KEY } from "../auth/openapi.ts";
import { grouped } from "../grouped.ts";
import { answerHtml, answerText } from "../http/answer.ts";
import type { AppEnv } from "../http/env.ts";
import { referenceBelow } from "../http/paths.ts";
import { SERVICE } from "../identity.ts";
import { ICON } from "./icon.ts";
import script from "./landing.client.js" with { type: "text" };
import landingStyle from "./landing.css" with { type: "text" };
import pageStyle from "./page.css" with { type: "text" };
import { pagePolicy } from "./page-policy.ts";

const style = pageStyle + landingStyle;

type LandingDeps = {
  /** What runs here, by its name; it is asked for every page. */
  facts: () => Readonly<Record<string, string>>;
  /** The path of a request to try that needs no key. */
  example: string;
  /** Whether the page links to the health routes, which may be on another port. */
  linksHealth: boolean;
  /** Whether the page links to the docs, which may be hidden. */
  linksDocs: boolean;
};

/** What the page links to, by its path below the page's own. */
const DOCS = { docs: "API documentation", "openapi.json": "OpenAPI document" };
const HEALTH = { health: "Health", ready: "Readiness" };

const VARY = { Vary: "Accept" };

const GREETING = "Hello from Docker!";

/** `GET /`: a greeting for programs, a page for browsers. */
export function landingRoutes({ facts, example, linksHealth, linksDocs }: LandingDeps) {
  const app = new OpenAPIHono<AppEnv>();
  const paths = { ...(linksDocs && DOCS), ...(linksHealth && HEALTH) };
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
    policy ??= pagePolicy({ style, script });
    const links = Object.entries(paths).map(
      ([path, text]) => html`<a href="${referenceBelow(c, path)}">${text}</a>\n`,
    );
    const content = await page({ facts: facts(), example: referenceBelow(c, example), links });
    return answerHtml(c, String(content), {
      "Content-Security-Policy": await policy,
      ...VARY,
    });
  });
}

type PageContent = { facts: Readonly<Record<string, string>>; example: string; links: unknown[] };

function page({ facts, example, links }: PageContent) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${SERVICE.title}</title>
<link rel="icon" href="${ICON.address}">
<style>${raw(style)}</style>
</head>
<body>
<header>
${raw(ICON.svg)}
<h1>${SERVICE.title}</h1>
<p>${GREETING}</p>
</header>
<dl>
${Object.entries(facts).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>
<section>
<h2>Try it</h2>
<p class="command"><code data-path="${example}">curl ${example}</code><button type="button" hidden>Copy</button></p>
</section>
<nav>
${links}</nav>
<script type="module">${raw(script)}</script>
</body>
</html>`;
}

/** A duration in its two largest units: `3 d 4 h`, `12 min 5 s`. */
export function formatDuration(milliseconds: number): string {
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

const STORES = {
  memory: "memory",
  sqlite: "SQLite",
  d1: "D1",
  postgres: "PostgreSQL",
};

type Running = {
  uptimeMs: number;
  /** Where entries live. */
  store: keyof typeof STORES;
  /** How many requests were answered since the start, where they are counted. */
  requests: number | undefined;
  /** Memory of the process, where the runtime says so. */
  memoryBytes: number | undefined;
};

/** What the landing page shows of a service; without its details, only how long it runs. */
export function landingFacts(
  { uptimeMs, store, requests, memoryBytes }: Running,
  showsDetails: boolean,
): Record<string, string> {
  const uptime = { Uptime: formatDuration(uptimeMs) };
  if (!showsDetails) return uptime;
  return {
    Version: SERVICE.version,
    Runtime: runtimeName(),
    Store: STORES[store],
    ...uptime,
    ...(requests !== undefined && { "Requests answered": grouped(requests) }),
    ...(memoryBytes !== undefined && { Memory: `${Math.round(memoryBytes / 2 ** 20)} MiB` }),
  };
}

/** Every runtime names itself to servers that way, as browsers do. */
function runtimeName(): string {
  return navigator.userAgent.replace("/", " ");
}
