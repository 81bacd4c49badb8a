import { expect, test } from "bun:test";
import { createLogger } from "../../telemetry/logger.ts";
import { createMisconfiguredApp } from "./misconfigured.ts";

const UUID = /^[0-9a-f-]{36}$/;

function openApp(problems: string[]) {
  const log: Record<string, unknown>[] = [];
  const logger = createLogger({
    level: "INFO",
    format: "json",
    clock: () => 0,
    write: (line) => log.push(JSON.parse(line)),
  });
  return { app: createMisconfiguredApp({ problems, logger }), log };
}

for (const path of ["/", "/healthz", "/ready", "/books", "/nothing/here"]) {
  test(`${path} is a 503 that gives nothing away, and the log says why`, async () => {
    const problems = ["API_KEY is not set", "PORT must be a number"];
    const { app, log } = openApp(problems);
    const response = await app.request(path, { method: "POST" });
    expect(response.status).toBe(503);
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(response.headers.get("X-Request-Id")).toMatch(UUID);
    expect(await response.json()).toEqual({
      type: "about:blank",
      title: "Service Unavailable",
      status: 503,
      detail: "The service is not configured; its log says why.",
      request_id: expect.stringMatching(UUID),
      trace_id: expect.any(String),
      success: false,
      error: "Service not configured",
    });
    expect(log).toEqual([
      {
        timestamp: "1970-01-01T00:00:00.000Z",
        level: "ERROR",
        logger: "thimble",
        message: "invalid configuration",
        request_id: expect.stringMatching(UUID),
        trace_id: expect.any(String),
        problems,
      },
    ]);
  });
}
