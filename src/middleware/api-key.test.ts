import { describe, expect, test } from "bun:test";
import { API_KEY, openApp } from "../../test/app.ts";

const READS = ["/books", "/books?q=emma", "/books/1", "/api/v1/books", "/api/v1/books/1"];
const OPEN = ["/", "/health", "/healthz", "/ready", "/openapi.json", "/docs", "/api/v1/process"];

type Operation = { security?: unknown; responses: object };
type OpenApi = { paths: Record<string, Record<string, Operation>> };

describe("where PUBLIC_READS is false", () => {
  const { request } = openApp({ config: { publicReads: false } });

  for (const path of READS) {
    for (const method of ["GET", "HEAD"]) {
      test(`${method} ${path} needs the key`, async () => {
        const refused = await request(path, { method });
        expect(refused.status).toBe(401);
        expect(refused.headers.get("WWW-Authenticate")).toBe('Bearer realm="thimble"');
        const headers = { "X-API-Key": "another-key-of-16" };
        expect((await request(path, { method, headers })).status).toBe(401);
      });

      for (const headers of [{ "X-API-Key": API_KEY }, { Authorization: `Bearer ${API_KEY}` }]) {
        test(`${method} ${path} takes it in ${Object.keys(headers)}`, async () => {
          expect((await request(path, { method, headers })).status).toBe(200);
        });
      }
    }
  }

  test("a book that is missing is not told to a stranger", async () => {
    expect((await request("/books/99")).status).toBe(401);
  });

  test("the OpenAPI document says so of the reads", async () => {
    const { paths } = (await (await request("/openapi.json")).json()) as OpenApi;
    expect(paths["/books"]?.get?.security).toEqual([
      { apiKey: ["books:read"] },
      { bearer: ["books:read"] },
    ]);
    const answers = Object.keys(paths["/books/{id}"]?.get?.responses ?? {});
    expect(answers).toEqual(expect.arrayContaining(["401", "403", "429"]));
  });

  for (const path of OPEN) {
    test(`GET ${path} needs no key`, async () => {
      expect((await request(path)).status).toBe(200);
    });
  }
});

describe("where PUBLIC_READS is true", () => {
  const { request } = openApp();

  for (const path of [...READS, ...OPEN]) {
    test(`GET ${path} needs no key, and minds no wrong one`, async () => {
      expect((await request(path)).status).toBe(200);
      const headers = { "X-API-Key": "another-key-of-16" };
      expect((await request(path, { headers })).status).toBe(200);
    });
  }
});
