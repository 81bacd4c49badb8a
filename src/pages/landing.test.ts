import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { openApp } from "../../test/app.ts";
import { SERVICE } from "../identity.ts";
import { createRecorder } from "../telemetry/metrics.ts";

const PAGE = { headers: { Accept: "text/html" } };

describe("the page shows the uptime in its two largest units:", () => {
  const SECOND = 1000;
  const MINUTE = 60 * SECOND;
  const HOUR = 60 * MINUTE;
  const DAY = 24 * HOUR;
  const rows: [uptime: number, text: string][] = [
    [0, "0 s"],
    [999, "0 s"],
    [SECOND, "1 s"],
    [59 * SECOND, "59 s"],
    [MINUTE, "1 min 0 s"],
    [12 * MINUTE + 5 * SECOND, "12 min 5 s"],
    [HOUR + 59 * MINUTE + 59 * SECOND, "1 h 59 min"],
    [3 * DAY + 4 * HOUR + 5 * MINUTE, "3 d 4 h"],
    [400 * DAY, "400 d 0 h"],
  ];
  for (const [uptime, text] of rows) {
    test(text, async () => {
      let now = 0;
      const { request } = openApp({ elapsed: () => now });
      now = uptime;
      const response = await request("/", PAGE);
      expect(await response.text()).toContain(`<dt>Uptime</dt><dd>${text}</dd>`);
    });
  }
});

test("the policy permits exactly the page's style and script", async () => {
  const response = await openApp().request("/", PAGE);
  const page = await response.text();
  const policy = response.headers.get("Content-Security-Policy");
  for (const [tag, directive] of [
    ["style", "style-src"],
    ["script", "script-src"],
  ]) {
    const [, source = ""] = new RegExp(`<${tag}[^>]*>([^]*?)</${tag}>`).exec(page) ?? [];
    expect(source).not.toBe("");
    const hash = new Bun.CryptoHasher("sha256").update(source).digest("base64");
    expect(policy).toContain(`${directive} 'sha256-${hash}';`);
  }
  expect(policy).toContain("default-src 'none'");
});

test("the page says what runs here", async () => {
  const recorder = createRecorder(Date.now);
  const metrics = { ...recorder, expose: async () => "", memoryBytes: () => 32.4 * 2 ** 20 };
  const { request } = openApp({ metrics });
  for (let asked = 0; asked < 1234; asked += 1) {
    recorder.metrics.requestEnded({ method: "GET", route: "/", status: 200 }, 0.001);
  }
  const page = await (await request("/", PAGE)).text();
  const facts = [...page.matchAll(/<dt>(.+?)<\/dt><dd>(.+?)<\/dd>/g)].map(([, ...fact]) => fact);
  expect(Object.fromEntries(facts)).toEqual({
    Version: SERVICE.version,
    Runtime: `Bun ${Bun.version}`,
    Store: "memory",
    Uptime: "0 s",
    "Requests answered": "1,234",
    Memory: "32 MiB",
  });
});

test("without metrics, the page counts nothing", async () => {
  const page = await (await openApp().request("/", PAGE)).text();
  expect(page).not.toContain("Requests answered");
});

test.each([
  [true, "curl ./books"],
  [false, "curl ./api/v1/process"],
])("the command needs no key: with PUBLIC_READS=%p it is %s", async (publicReads, command) => {
  const { request } = openApp({ config: { publicReads } });
  expect(await (await request("/", PAGE)).text()).toContain(`>${command}<`);
  expect((await request(command.slice("curl .".length))).status).toBe(200);
});

describe("with PUBLIC_DOCS=false", () => {
  const { request } = openApp({ config: { publicDocs: false } });

  test("the page links only to the health routes", async () => {
    const page = await (await request("/", PAGE)).text();
    expect(Array.from(page.matchAll(/<a href="([^"]+)"/g), ([, path]) => path)).toEqual([
      "./health",
      "./ready",
    ]);
  });

  for (const path of ["/openapi.json", "/docs"]) {
    test(`${path} is a 404, as any unknown path`, async () => {
      expect((await openApp().request(path)).status).toBe(200);
      const response = await request(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: "Endpoint not found" });
    });
  }
});

test("with PUBLIC_DETAILS=false, no public answer names the version or the environment", async () => {
  const hidden = ["a-name-of-an-environment", SERVICE.version];
  const answers = async (publicDetails: boolean) => {
    const config = { publicDetails, environment: hidden[0] as "test" };
    const { request } = openApp({ config });
    const paths = ["/", "/health", "/healthz", "/ready", "/openapi.json", "/docs", "/nothing"];
    const texts = paths.map(async (path) => {
      const response = await request(path, PAGE);
      return JSON.stringify([...response.headers]) + (await response.text());
    });
    return (await Promise.all(texts)).join("\n");
  };
  const shown = await answers(true);
  for (const detail of hidden) expect(shown).toContain(detail);
  const rest = await answers(false);
  for (const detail of hidden) expect(rest).not.toContain(detail);
  expect(rest).toContain('"status":"healthy"');
  expect(rest).toContain("<dt>Uptime</dt>");
});

test.each(["/a%20b", "/a%0D%0Ab", "/a%3E%22"])(
  "mounted at %s, its pages lead there",
  async (base) => {
    const host = new Hono().route("/:tenant", openApp().app);
    for (const path of ["", "/docs"]) {
      const page = await host.request(base + path, PAGE);
      const addresses = [...(await page.text()).matchAll(/(?:href|src)="(?!data:)([^"]+)"/g)];
      expect(addresses.length).toBeGreaterThan(2);
      for (const [, address = ""] of addresses) {
        const { pathname } = new URL(address, `http://thimble.test${base}${path}`);
        expect(pathname).toStartWith(`${base}/`);
        expect((await host.request(pathname)).status).toBe(200);
      }
    }
    const { servers } = (await (await host.request(`${base}/openapi.json`)).json()) as {
      servers: { url: string }[];
    };
    const [server] = servers.map(
      ({ url }) => new URL(url, `http://thimble.test${base}/openapi.json`),
    );
    expect(server?.pathname).toBe(`${base}/`);
  },
);
