import { describe, expect, test } from "bun:test";
import { openApp } from "../../../test/app.ts";

const LIMIT = 100;

describe("MAX_URL_BYTES", () => {
  const { request } = openApp({ config: { maxUrlBytes: LIMIT } });
  const query = (bytes: number) => `/books?q=${"x".repeat(bytes - "/books?q=".length)}`;

  test("accepts a path and query of exactly that size", async () => {
    expect((await request(query(LIMIT))).status).toBe(200);
  });

  test("refuses one more, and names the limit", async () => {
    const response = await request(query(LIMIT + 1));
    expect(response.status).toBe(414);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({
      title: "URI Too Long",
      error: "Request URL too long",
      detail: "Path and query may have at most 100 bytes.",
    });
  });

  test("counts characters outside ASCII as they are sent", async () => {
    expect((await request(`/${"é".repeat(16)}`)).status).toBe(404);
    expect((await request(`/${"é".repeat(17)}`)).status).toBe(414);
  });

  test("holds for the health routes too", async () => {
    expect((await request(`/health?${"x".repeat(LIMIT)}`)).status).toBe(414);
  });
});

describe("MAX_HEADER_BYTES", () => {
  const { request } = openApp({ config: { maxHeaderBytes: LIMIT } });
  /** Headers of that many bytes, each with its name, `: ` and the end of its line. */
  const headers = (bytes: number) => ({ A: "1", B: "x".repeat(bytes - "A: 1__B: __".length) });

  test("accepts headers of exactly that size", async () => {
    expect((await request("/health", { headers: headers(LIMIT) })).status).toBe(200);
  });

  test("refuses one more, and names the limit", async () => {
    const response = await request("/health", { headers: headers(LIMIT + 1) });
    expect(response.status).toBe(431);
    expect(await response.json()).toMatchObject({
      title: "Request Header Fields Too Large",
      error: "Request headers too large",
      detail: "The headers of a request may have at most 100 bytes.",
    });
  });
});

test("without limits, both may have any length", async () => {
  const { request } = openApp();
  const long = "x".repeat(100_000);
  expect((await request(`/health?${long}`, { headers: { A: long } })).status).toBe(200);
});
