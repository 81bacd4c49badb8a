import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { openApp } from "../../test/app.ts";

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

test("the policy permits exactly the page's stylesheet, and no script", async () => {
  const response = await openApp().request("/", PAGE);
  const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(await response.text()) ?? [];
  const hash = new Bun.CryptoHasher("sha256").update(style).digest("base64");
  const policy = response.headers.get("Content-Security-Policy");
  expect(policy).toContain(`style-src 'sha256-${hash}'`);
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("script-src");
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
