import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { startRewritingProxy } from "./reverse-proxy.ts";
import { API_KEY, type Service, startService } from "./service.ts";

/**
 * Real pages in a real browser. `SCREENSHOTS` may name a directory for pictures of them.
 */
const executablePath = Bun.which("chromium") ?? Bun.which("chromium-browser");
const reason = executablePath ? "" : " (skipped: there is no chromium here)";
const withBrowser = test.skipIf(!executablePath);

const TEST_TIMEOUT_MS = 60_000;
/** Not a name of this machine, because browsers trust localhost more than other hosts. */
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
async function open(url: string, options: BrowserContextOptions = {}) {
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
  return { page, context, complaints, origins, close: () => context.close() };
}

async function screenshot(page: Page, name: string): Promise<void> {
  const directory = process.env.SCREENSHOTS;
  if (!directory) return;
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}.png`) });
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

/** Opens every operation and schema, as a reader may. */
async function openAll(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
}

const isWiderThanItsWindow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);

/** The lowest contrast of a text on its background (WCAG 2.2, success criterion 1.4.3). */
function lowestContrast(page: Page) {
  return page.evaluate(() => {
    const channels = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (color: string) => {
      const [red = 0, green = 0, blue = 0] = channels(color).map((channel) => {
        const part = channel / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const background = (element: Element | null): string => {
      if (!element) return "rgb(255, 255, 255)";
      const { backgroundColor } = getComputedStyle(element);
      return channels(backgroundColor)[3] === 0
        ? background(element.parentElement)
        : backgroundColor;
    };
    const hasText = (element: Element) =>
      [...element.childNodes].some(({ nodeType, data }: ChildNode & { data?: string }) =>
        nodeType === 3 ? data?.trim() : false,
      );
    const all = [...document.body.querySelectorAll("*")].filter(
      (element) => hasText(element) && element.checkVisibility(),
    );
    const contrasts = all.map((element) => {
      const [light = 0, dark = 0] = [getComputedStyle(element).color, background(element)]
        .map(luminance)
        .sort((left, right) => right - left);
      return { contrast: (light + 0.05) / (dark + 0.05), text: element.textContent?.slice(0, 40) };
    });
    return contrasts.sort((left, right) => left.contrast - right.contrast)[0];
  });
}

describe("the API page", () => {
  withBrowser(
    `lists every operation, under its policy and only from its own origin${reason}`,
    async () => {
      const { page, complaints, origins, close } = await open("/docs");
      const listed = await page.locator(".operation").evaluateAll((all) =>
        all.map((each) => ({
          method: each.querySelector(".method")?.textContent?.toLowerCase() ?? "",
          path: each.querySelector(".path")?.textContent ?? "",
          operationId: each.id,
        })),
      );
      const key = ({ method, path, operationId }: (typeof listed)[number]) =>
        `${operationId} ${method} ${path}`;
      expect(listed.map(key).toSorted()).toEqual((await operations()).map(key).toSorted());
      expect(await page.title()).toBe("Thimble API");
      expect([...origins]).toEqual([origin]);
      expect(complaints).toEqual([]);
      await close();
    },
    TEST_TIMEOUT_MS,
  );

  withBrowser(
    `can be read without JavaScript, and has an example of every request and answer${reason}`,
    async () => {
      const { page, close } = await open("/docs", { javaScriptEnabled: false });
      await page.locator("#addBook summary").click();
      await page.locator("#addBook pre").first().waitFor();
      expect(await page.locator("button:visible, input:visible, textarea:visible").count()).toBe(0);
      expect(await page.locator("#addBook .scope").textContent()).toBe("books:write");
      for (const { operationId } of await operations()) {
        const examples = page.locator(`#${operationId} pre`);
        const hasContent = !["deleteBook", "getApiPage"].includes(operationId);
        if (hasContent) expect([operationId, await examples.count()]).not.toContain(0);
        for (const example of await examples.allTextContents()) JSON.parse(example);
      }
      await close();
    },
    TEST_TIMEOUT_MS,
  );

  withBrowser(
    `leads from each answer to the problem, and to the schema${reason}`,
    async () => {
      const { page, complaints, close } = await open("/docs");
      const missing = await page.locator("a[href^='#']").evaluateAll((anchors) =>
        anchors.flatMap((anchor) => {
          const id = anchor.getAttribute("href")?.slice(1) ?? "";
          return document.getElementById(id) ? [] : [id];
        }),
      );
      expect(missing).toEqual([]);
      await page.locator("#addBook summary").click();
      await page.locator("#addBook a[href='#schema-Book']").click();
      await page.locator("#schema-Book[open]").waitFor();
      expect(complaints).toEqual([]);
      await close();
    },
    TEST_TIMEOUT_MS,
  );

  withBrowser(
    `sends real requests, first without the key and then with it${reason}`,
    async () => {
      const { page, complaints, origins, close } = await open("/docs");
      const operation = page.locator("#addBook");
      const output = operation.locator("output");
      const send = operation.getByRole("button", { name: "Send" });
      const title = `Browser ${crypto.randomUUID()}`;
      const body = { title, author: "Docs", year: 2026 };

      await operation.locator("summary").first().click();
      await operation.getByLabel("Body").fill(JSON.stringify(body));
      await send.click();
      await output.filter({ hasText: "API key required" }).waitFor();
      expect(await output.locator("strong").textContent()).toContain("401");
      // The browser reports every error answer on its console.
      expect(complaints.splice(0)).toEqual([expect.stringContaining("status of 401")]);

      await page.getByLabel("Your key").fill(API_KEY);
      await send.click();
      await output.filter({ hasText: '"created_at"' }).waitFor();
      expect(await output.locator("strong").textContent()).toContain("201");
      expect(await output.textContent()).toContain(title);

      const found = await fetch(`${service.url}/books?${new URLSearchParams({ q: title })}`);
      expect(await found.json()).toMatchObject({ items: [body] });
      expect([...origins]).toEqual([origin]);
      expect(complaints).toEqual([]);
      await close();
    },
    TEST_TIMEOUT_MS,
  );

  withBrowser(
    `fills in the path, the query and the headers of a request${reason}`,
    async () => {
      const { page, close } = await open("/docs#getBook");
      const sent = page.waitForRequest((request) => request.url().includes("/books/"));
      const operation = page.locator("#getBook[open]");
      await operation.getByLabel("id", { exact: false }).first().fill("1/2");
      await operation.locator("input[name='If-None-Match']").fill('"1-a"');
      await operation.getByRole("button", { name: "Send" }).click();
      const request = await sent;
      expect(new URL(request.url()).pathname).toBe("/books/1%2F2");
      expect(request.headers()["if-none-match"]).toBe('"1-a"');
      await page.locator("#listBooks summary").first().click();
      await page.locator("#listBooks input[name=q]").fill("a b");
      const listed = page.waitForRequest((each) => each.url().includes("/books?"));
      await page.locator("#listBooks").getByRole("button", { name: "Send" }).click();
      expect(new URL((await listed).url()).search).toBe("?q=a+b");
      await close();
    },
    TEST_TIMEOUT_MS,
  );

  withBrowser(
    `keeps the key in its tab: after a reload, and in no other tab${reason}`,
    async () => {
      const { page, context, close } = await open("/docs");
      await page.getByLabel("Your key").fill(API_KEY);
      await page.reload();
      expect(await page.getByLabel("Your key").inputValue()).toBe(API_KEY);
      const other = await context.newPage();
      await other.goto(page.url());
      expect(await other.getByLabel("Your key").inputValue()).toBe("");
      await close();
    },
    TEST_TIMEOUT_MS,
  );

  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 390]) {
      withBrowser(
        `is readable in ${colorScheme} colours at ${width} px, without scrolling sideways${reason}`,
        async () => {
          const viewport = { width, height: 844 };
          const { page, close } = await open("/docs#addBook", { colorScheme, viewport });
          await page.getByLabel("Your key").fill(API_KEY);
          await page.locator("#addBook").getByRole("button", { name: "Send" }).click();
          await page.locator("#addBook output").filter({ hasText: "created_at" }).waitFor();
          await page.evaluate(() => window.scrollTo(0, 0));
          await screenshot(page, `api-page-${width}-${colorScheme}`);
          await openAll(page);
          expect(await isWiderThanItsWindow(page)).toBe(false);
          const lowest = await lowestContrast(page);
          if ((lowest?.contrast ?? 0) < 4.5) expect(lowest).toBeUndefined();
          const background = await page
            .locator("body")
            .evaluate((body) => getComputedStyle(body).backgroundColor);
          expect(background).toBe(
            colorScheme === "dark" ? "rgb(18, 18, 20)" : "rgb(255, 255, 255)",
          );
          await close();
        },
        TEST_TIMEOUT_MS,
      );
    }
  }
});

describe("below a prefix that a proxy takes away", () => {
  withBrowser(
    `the API page is whole, and sends requests through the prefix${reason}`,
    async () => {
      const { page, complaints, origins, close } = await open(`${proxied}${PREFIX}/`);
      await page.getByRole("link", { name: "API documentation" }).click();
      const operation = page.locator("#listBooks");
      await operation.locator("summary").first().click();
      const asked = page.waitForResponse((answer) => answer.url().includes("/books"));
      await operation.getByRole("button", { name: "Send" }).click();
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
    `keeps its figures current, and copies a command that works${reason}`,
    async () => {
      const { page, context, complaints, close } = await open("/");
      await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
      const answered = page.locator("dt", { hasText: "Requests answered" }).locator("+ dd");
      const before = await answered.textContent();
      await page.waitForFunction(
        ([selector, text]) => document.querySelector(selector ?? "")?.textContent !== text,
        ["dl div:nth-child(5) dd", before],
      );
      await page.getByRole("button", { name: "Copy" }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      const command = await page.evaluate(() => navigator.clipboard.readText());
      expect(command).toBe(`curl ${origin}/books`);
      expect(complaints).toEqual([]);
      await close();
    },
    TEST_TIMEOUT_MS,
  );

  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 390]) {
      withBrowser(
        `can be read in ${colorScheme} colours, ${width} px wide${reason}`,
        async () => {
          const height = width === 390 ? 844 : 620;
          const options = { colorScheme, viewport: { width, height } };
          const { page, complaints, close } = await open("/", options);
          const lowest = await lowestContrast(page);
          expect(lowest?.contrast, lowest?.text).toBeGreaterThanOrEqual(4.5);
          expect(await isWiderThanItsWindow(page)).toBe(false);
          expect(complaints).toEqual([]);
          await screenshot(page, `landing-${width}-${colorScheme}`);
          await close();
        },
        TEST_TIMEOUT_MS,
      );
    }
  }
});
