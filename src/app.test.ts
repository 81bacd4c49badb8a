import { describe, expect, test } from "bun:test";
import { openProbesApp } from "../test/app.ts";

const TRACE_ID = /^[0-9a-f]{32}$/;

describe("on the port of health and metrics", () => {
  test("a request has a line in the log, with its trace", async () => {
    const { request, log } = openProbesApp();
    await request("/healthz");
    expect(log).toMatchObject([
      { message: "request", path: "/healthz", trace_id: expect.stringMatching(TRACE_ID) },
    ]);
  });

  test("LOG_ACCESS=false leaves that out", async () => {
    const { request, log } = openProbesApp({ config: { logAccess: false } });
    await request("/healthz");
    expect(log).toEqual([]);
  });

  test("a problem names the trace", async () => {
    const response = await openProbesApp().request("/books");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ trace_id: expect.stringMatching(TRACE_ID) });
  });

  test("URL and headers may be as long as elsewhere", async () => {
    const { request } = openProbesApp({ config: { maxUrlBytes: 100, maxHeaderBytes: 100 } });
    expect((await request(`/healthz?${"x".repeat(100)}`)).status).toBe(414);
    expect((await request("/healthz", { headers: { A: "x".repeat(100) } })).status).toBe(431);
    expect((await request("/healthz")).status).toBe(200);
  });
});
