import { describe, expect } from "bun:test";
import { type Api, readJson, resolvePath } from "./api.ts";
import { test } from "./case.ts";
import { TIMESTAMP } from "./expectations.ts";

type Health = { version: string; uptime_seconds: number };

export function healthContract(api: Api): void {
  describe("landing", () => {
    for (const accept of ["*/*", "text/plain", "application/json"]) {
      test(`GET / greets in plain text for Accept: ${accept}`, async () => {
        const response = await api.get("/", { Accept: accept });
        expect(response.status).toBe(200);
        expect(response.headers.get("Content-Type")).toMatch(/^text\/plain\b/);
        expect(await response.text()).toBe("Hello from Docker!");
      });
    }

    for (const accept of ["text/html", "text/html,application/xhtml+xml,*/*;q=0.8"]) {
      test(`GET / is a page with links for Accept: ${accept}`, async () => {
        const { version } = await readJson<Health>(await api.get("/health"));
        const response = await api.get("/", { Accept: accept });
        expect(response.status).toBe(200);
        expect(response.headers.get("Content-Type")).toMatch(/^text\/html\b/);
        const page = await response.text();
        expect(page).toContain("Thimble");
        expect(page).toMatch(/uptime/i);
        expect(page).toContain(version);
        const links = [...page.matchAll(/href="([^"]+)"/g)].map(([, href]) =>
          resolvePath(href, "/"),
        );
        expect(links).toEqual(expect.arrayContaining(["/docs", "/health", "/ready"]));
      });
    }

    test("GET / tells caches that the answer depends on Accept", async () => {
      expect((await api.get("/")).headers.get("Vary")).toMatch(/\baccept\b/i);
    });
  });

  describe("health", () => {
    test("GET /health names the service, its version, uptime and environment", async () => {
      const response = await api.get("/health");
      expect(response.status).toBe(200);
      expect(await readJson<unknown>(response)).toEqual({
        status: "healthy",
        timestamp: expect.stringMatching(TIMESTAMP),
        service: "thimble",
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        uptime_seconds: expect.any(Number),
        environment: expect.stringMatching(/\S/),
      });
    });

    test("the uptime of GET /health never runs backwards", async () => {
      const first = await readJson<Health>(await api.get("/health"));
      const second = await readJson<Health>(await api.get("/health"));
      expect(first.uptime_seconds).toBeGreaterThanOrEqual(0);
      expect(second.uptime_seconds).toBeGreaterThanOrEqual(first.uptime_seconds);
    });

    test("GET /healthz says OK in plain text", async () => {
      const response = await api.get("/healthz");
      expect(response.status).toBe(200);
      expect(response.headers.get("Content-Type")).toMatch(/^text\/plain\b/);
      expect((await response.text()).trim()).toBe("OK");
    });

    test("GET /ready says what is ready", async () => {
      const response = await api.get("/ready");
      expect(response.status).toBe(200);
      expect(await readJson<unknown>(response)).toEqual({
        ready: true,
        checks: { api: "ok", database: "ok" },
      });
    });

    for (const path of ["/health", "/healthz", "/ready"]) {
      test(`GET ${path} is not to be stored`, async () => {
        const response = await api.get(path);
        expect(response.status).toBe(200);
        expect(response.headers.get("Cache-Control")).toContain("no-store");
      });
    }
  });
}
