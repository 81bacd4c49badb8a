import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { startRewritingProxy } from "./reverse-proxy.ts";
import { API_KEY, type Service, startService } from "./service.ts";

/**
 * Real pages in a real browser. `SCREENSHOTS` may name a directory for pictures of them.
 */
const executablePath = Bun.which("chromium") ?? Bun.which("chromium-browser");
const reason = executablePath ? "" : " (skipped: there is no chromium here)";
const withBrowser = test.skipIf(!executablePath);

const TEST_TIMEOUT_MS = 60_000;
/** Not a name of this machine, because Swagger UI loads more from the internet outside localhost. */
const HOST = "thimble.example";
const FLAGS = [
  `--host-resolver-rules=MAP ${HOST} 127.0.0.1`,
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

let service: Service;
let origin: string;
let browser: Browser | undefined;
/** Where a proxy serves the same pages below a path of its own. */
let proxy: ReturnType<typeof startRewritingProxy>;
let proxied: string;
const PREFIX = "/shop/thimble";

beforeAll(async () => {
  service = await startService();
  origin = `http://${HOST}:${service.port}`;
  proxy = startRewritingProxy(service.port, { prefix: PREFIX });
  proxied = `http://${HOST}:${proxy.port}`;
  if (!executablePath) return;
  // As if behind HTTPS, which cross-origin policies require.
  const trusted = `--unsafely-treat-insecure-origin-as-secure=${origin},${proxied}`;
  browser = await chromium.launch({ executablePath, args: [...FLAGS, trusted] });
}, TEST_TIMEOUT_MS);

afterAll(async () => {
  await browser?.close();
  proxy.close();
  await service[Symbol.asyncDispose]();
}, TEST_TIMEOUT_MS);

/** Opens a page, and records its complaints and the origins of its requests. */
async function open(url: string, options: { colorScheme?: "dark" | "light" } = {}) {
  if (!browser) throw new Error("The browser is not started.");
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const origins = new Set<string>();
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  page.on("request", (request) => {
    if (!request.url().startsWith("data:")) origins.add(new URL(request.url()).origin);
  });
  // Runs in the page before its own scripts: a violation is always an event, even if the console hides
  // it.
  await context.exposeFunction("reportViolation", (text: string) => complaints.push(text));
  await context.addInitScript(() => {
    const report = Reflect.get(window, "reportViolation") as (text: string) => void;
    document.addEventListener("securitypolicyviolation", (event) =>
      report(`${event.violatedDirective} forbids ${event.blockedURI} ${event.sample}`),
    );
  });
  await page.goto(new URL(url, origin).href);
  return { page, complaints, origins, close: () => context.close() };
}

async function screenshot(page: Page, name: string): Promise<void> {
  const directory = process.env.SCREENSHOTS;
  if (!directory) return;
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true });
}

type Document = {
  paths: Record<string, Record<string, { operationId: string; summary: string }>>;
};

async function operations() {
  const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as Document;
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => ({ method, path, operationId })),
  );
}

describe("the API page", () => {
  withBrowser(
    `lists every operation, under its policy and only from its own origin${reason}`,
    async () => {
      const { page, complaints, origins, close } = await open("/docs");
      await page.locator(".opblock").first().waitFor();
      const listed = await page.locator(".opblock").evaluateAll((blocks) =>
        blocks.map((block) => ({
          method: block.querySelector(".opblock-summary-method")?.textContent?.toLowerCase() ?? "",
          path: block.querySelector(".opblock-summary-path")?.getAttribute("data-path") ?? "",
        })),
      );
      const key = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;
      expect(listed.map(key).toSorted()).toEqual((await operations()).map(key).toSorted());
      expect(await page.title()).toBe("Thimble API");
      expect([...origins]).toEqual([origin]);
      expect(complaints).toEqual([]);
      await screenshot(page, "docs");
      await close();
    },
    TEST_TIMEOUT_MS,
  );

  withBrowser(
    `sends real requests, first without the key and then with it${reason}`,
    async () => {
      const { page, complaints, origins, close } = await open("/docs");
      const operation = page.locator("#operations-Books-postBooks");
      const live = operation.locator(".live-responses-table .response").first();
      const execute = operation.getByRole("button", { name: "Execute" });
      const title = `Browser ${crypto.randomUUID()}`;
      const body = { title, author: "Docs", year: 2026 };

      await operation.locator(".opblock-summary-control").click();
      await operation.getByRole("button", { name: "Try it out" }).click();
      await operation.locator("textarea.body-param__text").fill(JSON.stringify(body));
      await execute.click();
      await live.filter({ hasText: "API key required" }).waitFor();
      expect(await live.locator(".response-col_status").textContent()).toContain("401");
      await screenshot(page, "docs-problem");
      // The browser reports every error answer on its console.
      expect(complaints.splice(0)).toEqual([expect.stringContaining("status of 401")]);

      await page.getByRole("button", { name: "Authorize" }).first().click();
      const key = page.locator(".modal-ux .auth-container", { hasText: "X-API-Key" });
      await key.locator("input").fill(API_KEY);
      await key.getByRole("button", { name: /apply credentials|authorize/i }).click();
      await screenshot(page, "docs-authorize");
      await key.getByRole("button", { name: "Close", exact: true }).click();
      await execute.click();
      await live.filter({ hasText: '"created_at"' }).waitFor();
      expect(await live.locator(".response-col_status").textContent()).toContain("201");
      expect(await live.textContent()).toContain(title);
      await screenshot(page, "docs-execute");

      const found = await fetch(`${service.url}/books?${new URLSearchParams({ q: title })}`);
      expect(await found.json()).toMatchObject({ items: [body] });
      expect([...origins]).toEqual([origin]);
      expect(complaints).toEqual([]);
      await close();
    },
    TEST_TIMEOUT_MS,
  );
});

describe("below a prefix that a proxy takes away", () => {
  withBrowser(
    `the API page is whole, and sends requests through the prefix${reason}`,
    async () => {
      const { page, complaints, origins, close } = await open(`${proxied}${PREFIX}/`);
      await page.getByRole("link", { name: "API documentation" }).click();
      const operation = page.locator("#operations-Books-getBooks");
      await operation.locator(".opblock-summary-control").click();
      await operation.getByRole("button", { name: "Try it out" }).click();
      const asked = page.waitForResponse((answer) => answer.url().includes("/books"));
      await operation.getByRole("button", { name: "Execute" }).click();
      const answer = await asked;
      expect(new URL(answer.url()).pathname).toBe(`${PREFIX}/books`);
      expect(answer.status()).toBe(200);
      expect([...origins]).toEqual([proxied]);
      expect(complaints).toEqual([]);
      await close();
    },
    TEST_TIMEOUT_MS,
  );
});

describe("the landing page", () => {
  withBrowser(
    `is styled under its policy, and every link works${reason}`,
    async () => {
      const { page, complaints, origins, close } = await open("/");
      const grid = await page.locator("dl").evaluate((list) => getComputedStyle(list).display);
      expect(grid).toBe("grid");
      expect(await page.locator("h1").textContent()).toBe("Thimble");
      await screenshot(page, "landing");

      const links = await page
        .locator("a")
        .evaluateAll((anchors) => anchors.map((anchor) => anchor.getAttribute("href") ?? ""));
      expect(links).toEqual(["./docs", "./openapi.json", "./health", "./ready"]);
      // Checked before the links are followed, because other pages have their own complaints.
      expect(complaints).toEqual([]);
      for (const href of links) {
        await page.goto(origin);
        const { pathname } = new URL(href, origin);
        const answered = page.waitForResponse(origin + pathname);
        await page.locator(`a[href="${href}"]`).click();
        expect((await answered).status()).toBe(200);
        expect(new URL(page.url()).pathname).toBe(pathname);
      }
      expect([...origins]).toEqual([origin]);
      await close();
    },
    TEST_TIMEOUT_MS,
  );

  withBrowser(
    `follows a dark colour scheme${reason}`,
    async () => {
      const { page, complaints, close } = await open("/", { colorScheme: "dark" });
      const text = await page.locator("h1").evaluate((head) => getComputedStyle(head).color);
      expect(text).toBe("rgb(255, 255, 255)");
      expect(complaints).toEqual([]);
      await screenshot(page, "landing-dark");
      await close();
    },
    TEST_TIMEOUT_MS,
  );
});
